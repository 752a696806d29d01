// The suites against real MLflow servers, which they install and start themselves: `npm run test:live`.
import { defineConfig } from "vitest/config";
import { PlainReporter } from "./test/plain-reporter.ts";

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    include: ["test/live/**/*.test.ts"],
    globalSetup: "test/live/global-setup.ts",
    // Two files at a time: much of each is waiting for servers to start, and each server takes half a gigabyte.
    maxWorkers: 2,
    testTimeout: 10 * MINUTE_MS,
    hookTimeout: 20 * MINUTE_MS,
    disableConsoleIntercept: true,
    reporters: [["default", { summary: false }], new PlainReporter({ refuseSkips: true })],
  },
});
