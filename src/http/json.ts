// JSON as MLflow speaks it: integers beyond 2^53 stay exact, bare NaN and Infinity are read, non-finite numbers are written as strings.

/**
 * Parses JSON text. Bare integers of more than 15 digits come as decimal strings and bare `NaN`, `Infinity`, `-Infinity` as
 * strings of that name, because both would be lost or refused otherwise (`get-history-bulk` answers with a bare `NaN`).
 * Numbers with a fraction or exponent stay numbers. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text);
}

/**
 * Like JSON.stringify (undefined members left out), but a bigint becomes a bare integer, and NaN and the infinities become the
 * strings `"NaN"`, `"Infinity"`, `"-Infinity"`: MLflow drops the rest of a batch after a bare `NaN`.
 */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value);
}
