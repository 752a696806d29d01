// Names that resemble one that does not exist, for hints.
import { globToRegExp } from "./selection.ts";

/** Those of `names` that `wanted` may have meant, likeliest first, at most `most`. A pattern stands for the names that match it. */
export function nearNames(wanted: string, names: Iterable<string>, most = 3): string[] {
  const scored: { readonly name: string; readonly score: number }[] = [];
  const matches = patternOf(wanted);
  for (const name of names) {
    const score = matches?.test(name) === true ? 0 : distance(wanted, name);
    if (score !== undefined) scored.push({ name, score });
  }
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return scored.slice(0, most).map(({ name }) => name);
}

function patternOf(text: string): RegExp | undefined {
  try {
    return /[*?]/.test(text) ? globToRegExp(text) : undefined;
  } catch {
    // An unclosed bracket: no pattern, and no mistake in what may be a name.
    return undefined;
  }
}

/** How unlike two names are; undefined where they have too little in common. */
function distance(wanted: string, name: string): number | undefined {
  const [a, b] = [wanted.toLowerCase(), name.toLowerCase()];
  if (a === b) return 0;
  if (a !== "" && b.includes(a)) return 1;
  if (b !== "" && a.includes(b)) return 2;
  // Long names are compared by their beginnings: the cost grows with the square.
  const [start, other] = [a.slice(0, LONGEST), b.slice(0, LONGEST)];
  const edits = editsBetween(start, other);
  return edits <= Math.ceil(start.length / 3) ? 2 + edits : undefined;
}

const LONGEST = 64;

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
