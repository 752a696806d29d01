// The suite for whoever has a Databricks workspace: `npm run test:databricks`, see docs/live-testing.md.
import { defineConfig } from "vitest/config";
import { PlainReporter } from "./test/plain-reporter.ts";

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    include: ["test/databricks-live/**/*.test.ts"],
    testTimeout: 30 * MINUTE_MS,
    hookTimeout: 10 * MINUTE_MS,
    disableConsoleIntercept: true,
    reporters: [["default", { summary: false }], new PlainReporter({ refuseSkips: true })],
  },
});
