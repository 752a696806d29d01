// The clouds' SDKs are optional packages: loaded when a store is first used, and told with the command that installs them when missing.
import { MigrationError } from "../errors.ts";

/** Loads an optional package. Throws NOT_SUPPORTED with the line that installs `packages` when it is not there. */
export async function loadSdk<T>(what: string, packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    const line = `npm install ${packages.join(" ")}`;
    throw new MigrationError("NOT_SUPPORTED", `${what} needs a package that is not installed: ${packages.join(", ")}`, {
      cause: thrown,
      hint: `run: ${line} (with -g where mlferry itself was installed so)`,
    });
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && (thrown.code === "ERR_MODULE_NOT_FOUND" || thrown.code === "MODULE_NOT_FOUND");
}
