// The last lines of a test run, for people and for CI: what was not run and why, then one plain line of counts.
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

export interface PlainReporterOptions {
  /** Suites that this run leaves out on purpose, each with its reason. */
  readonly notRun?: readonly string[];
  /** Counts a skipped test as a failed one, for suites that must not pass by not running. Default false. */
  readonly refuseSkips?: boolean;
}

/** What became of one test, as far as the closing lines need it. */
export interface TestFate {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  /** The reason given with a skip. */
  readonly note?: string;
}

/**
 * The closing lines: a `skipped:` line for each suite left out and each reason for skipping tests, then `N passed, N failed`
 * alone on the last line. `faults` are failures outside any test, such as a file that does not load.
 */
export function closingLines(fates: readonly TestFate[], faults: number, options: PlainReporterOptions = {}): readonly string[] {
  const skipped = fates.filter((fate) => fate.state === "skipped");
  const passed = fates.filter((fate) => fate.state === "passed").length;
  const failed = fates.length - passed - skipped.length + faults + (options.refuseSkips === true ? skipped.length : 0);
  return [
    ...skippedByReason(skipped, options.refuseSkips === true ? "skipped, which counts as failed" : "skipped"),
    ...(options.notRun ?? []).map((suite) => `skipped: ${suite}`),
    `${passed} passed, ${failed} failed`,
  ];
}

/** Prints {@link closingLines} on stdout after the reporters before it, and makes refused skips fail the run. */
export class PlainReporter implements Reporter {
  private readonly options: PlainReporterOptions;

  constructor(options: PlainReporterOptions) {
    this.options = options;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const fates = modules.flatMap((module) => [...module.children.allTests()].map(fateOf));
    const faults = unhandled.length + modules.filter(failedOutsideTests).length;
    if (this.options.refuseSkips === true && fates.some((fate) => fate.state === "skipped")) process.exitCode = 1;
    process.stdout.write(`${closingLines(fates, faults, this.options).join("\n")}\n`);
  }
}

function fateOf(test: TestCase): TestFate {
  const result = test.result();
  // A test without a result was cut off: it proves nothing, so it failed.
  if (result.state === "pending") return { name: test.fullName, state: "failed" };
  if (result.state !== "skipped" || result.note === undefined) return { name: test.fullName, state: result.state };
  return { name: test.fullName, state: "skipped", note: result.note };
}

/** True for a file that did not load, or whose hooks failed, though no single test of it did. */
function failedOutsideTests(module: TestModule): boolean {
  return module.state() === "failed" && ![...module.children.allTests("failed")].length;
}

function skippedByReason(skipped: readonly TestFate[], word: string): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, note = "no reason given" } of skipped) byReason.set(note, [...(byReason.get(note) ?? []), name]);
  return [...byReason].map(([reason, names]) =>
    names.length === 1 ? `${word}: ${names.join("")}: ${reason}` : `${word}: ${names.length} tests: ${reason}`,
  );
}
