// Creates that the server would carry out twice: after a lost answer the object is looked for by its provenance tag first.
import { MigrationError } from "../../errors.ts";

export interface Create<T> {
  /** For the error, such as `run "a" in experiment 3`. */
  readonly what: string;
  /** The request, sent with `repeat: "once"`. */
  readonly send: () => Promise<T>;
  /** The object, if an earlier request made it although no answer came. */
  readonly look: () => Promise<T | undefined>;
}

/**
 * Creates the object exactly once: an OUTCOME_UNKNOWN is cleared up by looking for it, and only when it is not there the request
 * goes out again. Throws OUTCOME_UNKNOWN when three requests got no answer and nothing is to be found.
 */
export async function createOnce<T>({ what, send, look }: Create<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof MigrationError) || thrown.code !== "OUTCOME_UNKNOWN") throw thrown;
      const found = await look();
      if (found !== undefined) return found;
      if (attempt >= MAX_ATTEMPTS) throw unknownOutcome(what, thrown);
    }
  }
}

const MAX_ATTEMPTS = 3;

function unknownOutcome(what: string, cause: MigrationError): MigrationError {
  return new MigrationError("OUTCOME_UNKNOWN", `${MAX_ATTEMPTS} requests to create ${what} got no answer, and it is not to be found`, {
    hint: "see why the server breaks off (its log, a proxy's time limit), then run the same command again: what was made is recognised by its tag",
    cause,
    ...(cause.request === undefined ? {} : { request: cause.request }),
  });
}
