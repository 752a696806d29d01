// Which versions of Node will do. Imports nothing, so that it runs on any.

/** node:sqlite without a flag and zstd in node:zlib begin here. */
const FLOOR = [22, 19] as const;

/** What is wrong with a version of Node such as `20.11.1`, in one line; undefined when it is new enough. */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return undefined;
  return `error: mlferry needs Node ${FLOOR.join(".")} or later, and this is Node ${version}`;
}
