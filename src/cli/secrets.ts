// Keeps credentials out of everything that is written: what the environment holds as a secret is blanked out of every text.
import type { Environment } from "./terminal.ts";

const SECRET_VARIABLE = /(^|_)(TOKEN|PASSWORD|SECRET|ACCESS_KEY|CONNECTION_STRING)(_|$)/;

/** Shorter values would blank out parts of ordinary words, in names and values of the registry too; the HTTP client has its own net. */
const SHORTEST = 8;

/** A function that replaces the secrets of the environment by `***`, wherever in a text they stand. */
export function createScrubber(env: Environment): (text: string) => string {
  const values = Object.entries(env).flatMap(([name, value = ""]) => (SECRET_VARIABLE.test(name) ? [value] : []));
  const forms = values.flatMap((value) => [
    value,
    encodeURIComponent(value.replace(/\p{Surrogate}/gu, "\ufffd")),
    JSON.stringify(value).slice(1, -1),
  ]);
  // Longest first, so that a secret within another leaves no rest.
  const secrets = [...new Set(forms)].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text);
}
