// Every suite that needs nothing but this checkout: `npm test`.
import { defineConfig } from "vitest/config";
import { PlainReporter } from "./test/plain-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/live/**", "test/databricks-live/**"],
    testTimeout: 20_000,
    unstubEnvs: true,
    // A golden file that is missing fails its test; `npm test -- -u` writes it.
    update: "none",
    reporters: [
      "default",
      new PlainReporter({
        notRun: [
          "live suite against real MLflow servers: it installs them first, which takes minutes (npm run test:live)",
          "suite against real Databricks workspaces: it needs some (npm run test:databricks, docs/live-testing.md)",
        ],
      }),
    ],
  },
});
