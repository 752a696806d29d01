// The command as it was typed, fit for a shell: told after an interruption, and kept in the journal.

/** `mlferry` with the arguments, each quoted where a POSIX shell would read it otherwise. */
export function commandLine(args: readonly string[]): string {
  return ["mlferry", ...args].map(shellQuoted).join(" ");
}

function shellQuoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
