// What both contract suites share: how a test is named, and how a place says which ones it cannot pass.
import { afterAll, describe, it } from "vitest";

/** A test that a place does not run, as data: the reason is printed with the results. */
export interface Skip {
  readonly test: string;
  readonly reason: string;
}

export interface ContractOptions {
  readonly skips?: readonly Skip[];
}

export type Check = (test: string, body: () => Promise<void>) => void;

/** A suite whose tests can be skipped by name; a skip that names no test of the suite fails it. */
export function contract(name: string, { skips = [] }: ContractOptions, define: (check: Check) => void): void {
  describe(name, () => {
    const unused = new Set(skips.map((skip) => skip.test));
    define((test, body) => {
      const skip = skips.find((candidate) => candidate.test === test);
      unused.delete(test);
      it(test, async (context) => {
        if (skip !== undefined) context.skip(skip.reason);
        await body();
      });
    });
    afterAll(() => {
      if (unused.size > 0) throw new Error(`skips name tests that do not exist: ${[...unused].join(", ")}`);
    });
  });
}
