// Turns work that may fail into a check.
import { asMigrationError } from "../../errors.ts";
import type { Check, Examined } from "../../ports/checks.ts";

/** A check that is `ok` unless it says otherwise, and failed with the error's words when `work` throws. */
export async function* tried(name: string, work: () => Promise<Omit<Check, "name" | "state"> & Partial<Check>>): AsyncGenerator<Examined> {
  try {
    yield { check: { state: "ok", ...(await work()), name } };
  } catch (thrown) {
    const { code, message, hint } = asMigrationError(thrown);
    if (code === "INTERRUPTED") throw thrown;
    yield { check: { name, state: "fail", says: message, code, ...(hint === undefined ? {} : { hint }) } };
  }
}
