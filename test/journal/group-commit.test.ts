// Which appends share a commit, and what happens to them when it fails.
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { databaseError } from "../../src/journal/database.ts";
import { groupCommit } from "../../src/journal/group-commit.ts";

it("commits what one turn of the event loop adds together, in order", async () => {
  const commits: number[][] = [];
  const group = groupCommit<number>((items) => commits.push([...items]));
  await Promise.all([group.add(1), group.add(2), Promise.resolve().then(() => group.add(3))]);
  await group.add(4);
  expect(commits).toEqual([[1, 2, 3], [4]]);
});

it("commits at most 200 items together", async () => {
  const commits: number[] = [];
  const group = groupCommit<number>((items) => commits.push(items.length));
  await Promise.all(Array.from({ length: 450 }, (_, i) => group.add(i)));
  expect(commits).toEqual([200, 200, 50]);
});

it("acknowledges nothing before the commit has ended", async () => {
  const events: string[] = [];
  const group = groupCommit<string>(() => events.push("committed"));
  const added = group.add("x").then(() => events.push("acknowledged"));
  expect(events).toEqual([]);
  await added;
  expect(events).toEqual(["committed", "acknowledged"]);
});

it("commits what waits when it is flushed, and nothing twice", async () => {
  const commits: string[][] = [];
  const group = groupCommit<string>((items) => commits.push([...items]));
  const added = group.add("x");
  group.flush();
  expect(commits).toEqual([["x"]]);
  await added;
  group.flush();
  expect(commits).toEqual([["x"]]);
});

it("tells a failed commit to all whose items it held, and goes on", async () => {
  let full = true;
  const group = groupCommit<string>(() => {
    if (full) throw new Error("disk full");
  });
  const results = await Promise.allSettled([group.add("x"), group.add("y")]);
  expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
  full = false;
  await expect(group.add("z")).resolves.toBeUndefined();
});

it("names the journal and the way out when the disk is full", () => {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t (x); PRAGMA max_page_count = 3");
  let thrown: unknown;
  try {
    db.exec("INSERT INTO t VALUES (zeroblob(1000000))");
  } catch (error) {
    thrown = error;
  }
  expect(databaseError("/state/journal.sqlite", thrown)).toMatchObject({
    code: "DISK",
    message: "cannot write the journal /state/journal.sqlite: the disk is full",
    hint: "free some space and run the same command again: it continues",
  });
  db.close();
});
