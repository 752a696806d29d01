// Checks a bundle by itself, without any other place.
import { STDIN } from "../adapters/bundle/envelope.ts";
import { checkBundle } from "../adapters/bundle/check.ts";
import { bundleCheckJson } from "../report/bundle-check-json.ts";
import { bundleCheckText } from "../report/bundle-check-text.ts";
import { EXIT } from "./exit-codes.ts";
import type { OutputFlags, PaceFlags } from "./flags.ts";
import type { BundleLocation } from "./location.ts";
import { bundleToRead } from "./places.ts";
import { inSession } from "./session.ts";
import { writeLines } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Prints every problem and sets the exit code: 4 when there is one. */
export function checkOneBundle(terminal: Terminal, location: BundleLocation, flags: OutputFlags & PaceFlags): Promise<void> {
  const path = location.place === "bundle" ? location.path : STDIN;
  return inSession(terminal, { flags, locations: [location], phase: `checking ${path}` }, async (session) => {
    const { signal } = session.interruption;
    const check = checkBundle(await bundleToRead(location, session, signal), { signal });
    const problems: { member: string; problem: string }[] = [];
    for await (const problem of check) {
      problems.push(problem);
      session.log.warn("problem", { ...problem });
    }
    session.display.end();
    terminal.exitCode = problems.length > 0 ? EXIT.different : EXIT.done;
    const result = { bundle: path, problems, ...check.counts };
    const json = flags.json === true;
    writeLines(
      terminal.stdout,
      json ? [JSON.stringify(bundleCheckJson(result, terminal.exitCode))] : bundleCheckText(result, session.style),
    );
  });
}
