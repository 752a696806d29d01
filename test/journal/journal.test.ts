// The journal on a real disk: what is remembered, who may write, and what a user is told about a bad file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JOURNAL_FILE } from "../../src/journal/database.ts";
import { jobId, openJournal } from "../../src/journal/journal.ts";
import { findJob } from "../../src/journal/jobs.ts";
import { memoryJournal } from "../../src/journal/memory-journal.ts";
import type { Digest, OriginId } from "../../src/model/entities.ts";
import { keyOf, placed } from "../../src/model/keys.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { entry, jobOptions, source, target } from "./sample.ts";

const key = keyOf("run", "r1");
const placedKey = placed(keyOf("run", "new1"));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "mlferry-journal-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const stores: Readonly<Record<string, () => Promise<Journal>>> = {
  "journal on disk": () => openJournal(jobOptions(dir)),
  "journal in memory": () => Promise.resolve(memoryJournal()),
};

describe.each(Object.entries(stores))("%s", (_name, open) => {
  it("knows nothing of a key that was never written", async () => {
    const journal = await open();
    expect(await journal.last(key)).toBeUndefined();
    expect(await journal.files(key)).toEqual([]);
    await journal.close();
  });

  it("gives the latest entry of a key", async () => {
    const journal = await open();
    const failed = entry({ state: "failed", error: { code: "NAME_TAKEN", message: "taken" } });
    await journal.append(failed);
    expect(await journal.last(key)).toEqual(failed);
    const done = entry({ fingerprint: "f2", placed: placedKey });
    await journal.append(done);
    expect(await journal.last(key)).toEqual(done);
    await journal.close();
  });

  it("keeps the placed key when a later attempt fails", async () => {
    const journal = await open();
    await journal.append(entry({ placed: placedKey }));
    const failed = entry({ state: "failed", fingerprint: "f2", error: { code: "DISK", message: "full" } });
    await journal.append(failed);
    expect(await journal.last(key)).toEqual({ ...failed, placed: placedKey });
    await journal.close();
  });

  it("gives the files of a key by path, each once", async () => {
    const journal = await open();
    const digest: Digest = "sha256:00";
    await journal.appendFile(key, { path: "b/ü\n", sizeBytes: 2 ** 40, digest });
    await journal.appendFile(key, { path: "a", sizeBytes: 1, digest });
    await journal.appendFile(key, { path: "a", sizeBytes: 0, digest: "sha256:11" });
    expect(await journal.files(key)).toEqual([
      { path: "a", sizeBytes: 0, digest: "sha256:11" },
      { path: "b/ü\n", sizeBytes: 2 ** 40, digest },
    ]);
    expect(await journal.files(keyOf("run", "other"))).toEqual([]);
    await journal.close();
  });
});

describe("a job that is opened again", () => {
  it("does not resume the first time", async () => {
    const journal = await openJournal(jobOptions(dir));
    expect(journal.resuming).toBe(false);
    await journal.close();
  });

  it("resumes when it was cut off", async () => {
    await (await openJournal(jobOptions(dir))).close();
    const again = await openJournal(jobOptions(dir));
    expect(again.resuming).toBe(true);
    await again.close();
  });

  it("asks the target again when it ended with failures: an object that always fails must not make it trusted for ever", async () => {
    const first = await openJournal(jobOptions(dir));
    await first.append(entry({ placed: placedKey }));
    await first.end("partial");
    await first.close();
    const again = await openJournal(jobOptions(dir));
    expect(again.resuming).toBe(false);
    await again.close();
    const cutOff = await openJournal(jobOptions(dir));
    expect(cutOff.resuming).toBe(true);
    expect(await cutOff.last(key)).toMatchObject({ fingerprint: "", placed: placedKey });
    await cutOff.close();
  });

  it("keeps out another job between the same places, when told to", async () => {
    const first = await openJournal(jobOptions(dir, { exclusive: true }));
    const other = openJournal(jobOptions(dir, { exclusive: true, identity: { options: "models=b" } }));
    await expect(other).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("between the same two places") as string,
    });
    await first.close();
  });

  it("does not resume when it was complete, and still has its entries", async () => {
    const first = await openJournal(jobOptions(dir));
    await first.append(entry({ placed: placedKey }));
    await first.end("complete");
    await first.close();
    const again = await openJournal(jobOptions(dir));
    expect(again.resuming).toBe(false);
    expect(await again.last(key)).toEqual({ ...entry({ placed: placedKey }), fingerprint: "" });
    await again.close();
  });

  it("is another job when the options differ", async () => {
    const first = await openJournal(jobOptions(dir));
    await first.append(entry());
    const other = await openJournal(jobOptions(dir, { identity: { options: "models=b" } }));
    expect(other.job).not.toBe(first.job);
    expect(await other.last(key)).toBeUndefined();
    await first.close();
    await other.close();
  });

  it("has the same id on every machine", () => {
    expect(jobId({ source, target, options: "models=*" })).toBe("1a3dd874410a1248");
  });
});

describe("two openings of one job", () => {
  it("refuses the second and names the first", async () => {
    const first = await openJournal(jobOptions(dir));
    await expect(openJournal(jobOptions(dir))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: `job ${first.job} is being worked on by process ${String(process.pid)} (mlferry copy a b)`,
    });
    await first.close();
  });

  it("leaves the first one's state alone", async () => {
    const first = await openJournal(jobOptions(dir));
    await expect(openJournal(jobOptions(dir))).rejects.toThrow();
    await first.append(entry());
    await first.end("complete");
    await first.close();
    expect(await findJob(dir, { source, target })).toMatchObject({ state: "complete" });
  });

  it("allows the second once the first is closed, twice or not", async () => {
    const first = await openJournal(jobOptions(dir));
    await first.close();
    await first.close();
    const second = await openJournal(jobOptions(dir));
    await second.close();
  });
});

describe("a process that is killed", () => {
  it("keeps the job to itself until then, and leaves every acknowledged entry and no lock", async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL("append-forever.ts", import.meta.url)), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    let output = "";
    for await (const chunk of child.stdout) {
      if (output === "") await expect(openJournal(jobOptions(dir))).rejects.toThrow(`worked on by process ${String(child.pid)}`);
      output += String(chunk);
      if (output.length > 20_000) child.kill("SIGKILL");
    }
    expect(await closed).toEqual([null, "SIGKILL"]);
    const acknowledged = output.split("\n").slice(0, -1);

    const journal = await openJournal(jobOptions(dir));
    const missing: string[] = [];
    for (const number of acknowledged) {
      if ((await journal.last(keyOf("run", number))) === undefined) missing.push(number);
    }
    expect(acknowledged.length).toBeGreaterThan(1000);
    expect(missing).toEqual([]);
    expect(journal.resuming).toBe(true);
    await journal.close();
  }, 30_000);
});

describe("the file on disk", () => {
  const file = (): string => join(dir, JOURNAL_FILE);

  it("can be read by its owner alone, log and folder included", async () => {
    dir = join(dir, "state", "inner");
    const journal = await openJournal(jobOptions(dir));
    await journal.append(entry());
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(`${file()}-wal`)).mode & 0o777).toBe(0o600);
    await journal.close();
  });

  it("is refused with its name and a way out when it is no journal", async () => {
    await writeFile(file(), "this is not a database, whatever its name says".repeat(30));
    await expect(openJournal(jobOptions(dir))).rejects.toMatchObject({
      code: "DISK",
      message: `the journal ${file()} is damaged`,
      hint: expect.stringContaining("move the file away") as unknown,
    });
    expect(await readFile(file(), "utf8")).toContain("this is not a database");
  });

  it("is refused when it was cut short", async () => {
    const journal = await openJournal(jobOptions(dir));
    await Promise.all(Array.from({ length: 500 }, (_, i) => journal.append(entry({ key: keyOf("run", String(i)) }))));
    await journal.close();
    await truncate(file(), 6000);
    await expect(openJournal(jobOptions(dir))).rejects.toMatchObject({ code: "DISK", message: `the journal ${file()} is damaged` });
  });

  it("is refused when a newer mlferry wrote it", async () => {
    const db = new DatabaseSync(file());
    db.exec("PRAGMA user_version = 99");
    db.close();
    await expect(openJournal(jobOptions(dir))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: `the journal ${file()} was written by a newer mlferry (schema 99)`,
    });
  });

  it("is a disk error when the folder cannot be made", async () => {
    await writeFile(join(dir, "plain"), "");
    await expect(openJournal(jobOptions(join(dir, "plain", "state")))).rejects.toMatchObject({ code: "DISK" });
  });

  it("keeps jobs of other registries apart", async () => {
    const mine = await openJournal(jobOptions(dir));
    const theirs = await openJournal(jobOptions(dir, { identity: { target: "cc33" as OriginId } }));
    await Promise.all([mine.append(entry({ fingerprint: "mine" })), theirs.append(entry({ fingerprint: "theirs" }))]);
    expect(await mine.last(key)).toMatchObject({ fingerprint: "mine" });
    expect(await theirs.last(key)).toMatchObject({ fingerprint: "theirs" });
    await mine.close();
    await theirs.close();
  });
});
