// A target that dies at a chosen write, the way a killed process does: before the write, in the middle of it, or after it
// took effect but before anybody knew.
import { MigrationError } from "../../src/errors.ts";
import type { PutContext, Target } from "../../src/ports/target.ts";

export interface Crash {
  /** The write at which it dies, from 1. */
  readonly at: number;
  readonly when: "before" | "during" | "after";
}

export interface CrashingTarget {
  readonly target: Target;
  /** Writes that were begun. */
  readonly writes: () => number;
}

export function crashing(target: Target, crash: Crash): CrashingTarget {
  let writes = 0;
  let dead = false;
  const die = (): never => {
    dead = true;
    throw new MigrationError("INTERRUPTED", "killed");
  };
  const attempt = async <R>(write: () => Promise<R>): Promise<R> => {
    if (dead) return die();
    writes += 1;
    if (writes !== crash.at) return write();
    if (crash.when === "before") return die();
    await write();
    return die();
  };
  return {
    writes: () => writes,
    target: {
      ...target,
      put: (entity, context) => {
        const halfway = crash.when === "during" && writes + 1 === crash.at;
        return attempt(() => target.put(entity, halfway ? dyingInside(context, die) : context));
      },
      link: (run, key, context) => attempt(() => target.link(run, key, context)),
      remove: (entity, key, signal) => attempt(() => target.remove(entity, key, signal)),
      finish: (summary) => (dead ? die() : target.finish(summary)),
    },
  };
}

/** The context of a put that dies after its first file, so that the object exists without its mark. */
function dyingInside(context: PutContext, die: () => never): PutContext {
  return Object.create(context, {
    files: {
      value: async (send: Parameters<PutContext["files"]>[0]) => {
        await context.files(send);
        die();
      },
    },
  }) as PutContext;
}
