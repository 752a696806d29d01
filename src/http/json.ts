// JSON as MLflow speaks it: integers beyond 2^53 stay exact, bare NaN and Infinity are read, non-finite numbers are written as strings.

/**
 * Parses JSON text. Bare integers of more than 15 digits come as decimal strings and bare `NaN`, `Infinity`, `-Infinity` as
 * strings of that name, because both would be lost or refused otherwise (`get-history-bulk` answers with a bare `NaN`).
 * Numbers with a fraction or exponent stay numbers. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(NEEDS_QUOTING.test(text) ? quoteUnsafe(text) : text);
}

/**
 * Like JSON.stringify (undefined members are left out), but a bigint becomes a bare integer, and NaN and the infinities become
 * the strings `"NaN"`, `"Infinity"`, `"-Infinity"`: MLflow drops the rest of a batch after a bare `NaN`. Undefined gives `null`.
 */
export function stringifyJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === "bigint") return rawJson(member.toString());
    if (typeof member === "number" && !Number.isFinite(member)) return String(member);
    return member;
  });
  return text ?? "null";
}

/** May match inside strings too: it only decides whether the scanner has to run. */
const NEEDS_QUOTING = /\d{16}|NaN|Infinity/;

/** Integers of up to 15 digits are exact as doubles. */
const EXACT_DIGITS = 15;

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_I = 0x49;
const UPPER_N = 0x4e;
const BACKSLASH = 0x5c;

/** Puts quotes around what JSON.parse would refuse or round. Everything else, strings above all, is copied as it is. */
function quoteUnsafe(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = afterString(text, at);
      continue;
    }
    if (code !== MINUS && code !== UPPER_N && code !== UPPER_I && !isDigit(code)) {
      at += 1;
      continue;
    }
    const end = afterToken(text, at);
    if (mustQuote(text, at, end)) {
      parts.push(text.slice(copied, at), '"', text.slice(at, end), '"');
      copied = end;
    }
    at = end;
  }
  parts.push(text.slice(copied));
  return parts.join("");
}

/** The index after the string that opens at `open`; the text's length when it never closes. */
function afterString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1 && isEscaped(text, close)) close = text.indexOf('"', close + 1);
  return close === -1 ? text.length : close + 1;
}

/** A quote is escaped by an odd number of backslashes before it. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}

/** The index after a number, or after the letters of `NaN` and `Infinity`, so that no part of a token is judged alone. */
function afterToken(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isTokenPart(text.charCodeAt(end))) end += 1;
  return end;
}

function isTokenPart(code: number): boolean {
  return (
    isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === MINUS || code === 0x2b || code === 0x2e
  );
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Integers with a leading zero are left for JSON.parse to refuse. */
function mustQuote(text: string, start: number, end: number): boolean {
  const first = text.charCodeAt(start);
  if (isDigit(first) && end - start <= EXACT_DIGITS) return false;
  return /^(?:NaN|-?Infinity|-?[1-9]\d{15,})$/.test(text.slice(start, end));
}

/** ES2026, in Node since 21; not yet among the types of the library level that the project compiles against. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}
