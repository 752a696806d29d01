// How jobs stand: told from another process, of jobs at work, cut off and ended, and of journals that an older mlferry wrote.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JOURNAL_FILE } from "../../src/journal/database.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { OpenedJournal } from "../../src/journal/journal.ts";
import { findJob } from "../../src/journal/jobs.ts";
import { failedEntries, jobStatuses } from "../../src/journal/status.ts";
import { keyOf, placed } from "../../src/model/keys.ts";
import { entry, jobOptions, source, target } from "./sample.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mlferry-status-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const conditions = async (): Promise<string[]> => (await jobStatuses(dir)).map(({ condition }) => condition);

describe("a folder's jobs", () => {
  it("are none where none has run, and looking makes no file", async () => {
    expect(await jobStatuses(dir)).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
  });

  it("are told newest first, with what they were asked and how far they came", async () => {
    const older = await openJournal(jobOptions(dir, { identity: { options: "1" }, now: () => 1000 }));
    await older.end("complete");
    await older.close();
    let time = 2000;
    const newer = await openJournal(jobOptions(dir, { identity: { options: "2" }, now: () => time }));
    time = 3000;
    await newer.append(entry({ placed: placed(keyOf("run", "there")) }));
    await newer.append(entry({ key: keyOf("run", "r2"), state: "failed", error: { code: "NAME_TAKEN", message: "taken" } }));
    await newer.appendFile(keyOf("run", "r1"), { path: "a", sizeBytes: 1, digest: "sha256:00" });
    await newer.close();
    const jobs = await jobStatuses(dir);
    expect(jobs.map(({ id }) => id)).toEqual([newer.job, older.job]);
    expect(jobs[0]).toMatchObject({
      condition: "unfinished",
      command: "mlferry copy a b",
      args: ["copy", "a", "b"],
      folder: "/there",
      started: 2000,
      updated: 3000,
      done: 1,
      failed: 1,
      files: 1,
    });
    expect(jobs[1]).toMatchObject({ condition: "complete", done: 0, failed: 0, files: 0 });
    expect(await failedEntries({ dir, id: newer.job })).toEqual([{ key: "run:r2", code: "NAME_TAKEN", message: "taken" }]);
  });

  it("stand as they were left: at work, cut off, ended with failures or without", async () => {
    const journal = await openJournal(jobOptions(dir));
    expect(await jobStatuses(dir)).toMatchObject([{ condition: "running", pid: process.pid }]);
    await journal.close();
    expect(await conditions()).toEqual(["unfinished"]);
    for (const state of ["partial", "complete"] as const) {
      const again = await openJournal(jobOptions(dir));
      await again.end(state);
      expect(await conditions()).toEqual([state]);
      await again.close();
    }
  });

  it("that share a lock are told apart: only the one that began last is at work", async () => {
    const open = (options: string, now: number): Promise<OpenedJournal> =>
      openJournal(jobOptions(dir, { exclusive: true, identity: { options }, now: () => now }));
    await (await open("cut off", 1000)).close();
    const working = await open("working", 2000);
    expect(await conditions()).toEqual(["running", "unfinished"]);
    await working.close();
    expect(await conditions()).toEqual(["unfinished", "unfinished"]);
  });

  it("can be looked at from another process all the time, without being disturbed, until they are killed", async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL("append-forever.ts", import.meta.url)), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    let looks = 0;
    for await (const _chunk of child.stdout) {
      expect(await jobStatuses(dir)).toMatchObject([{ condition: "running", pid: child.pid }]);
      looks += 1;
      if (looks === 20) child.kill("SIGKILL");
      if (looks > 20) break;
    }
    expect(await closed).toEqual([null, "SIGKILL"]);
    const [job] = await jobStatuses(dir);
    expect(job).toMatchObject({ condition: "unfinished" });
    expect(job?.done).toBeGreaterThan(0);
  }, 30_000);

  it("do not lose their lock to whoever looks", async () => {
    const looking = setInterval(() => void jobStatuses(dir), 0);
    try {
      for (let round = 0; round < 30; round += 1) await (await openJournal(jobOptions(dir))).close();
    } finally {
      clearInterval(looking);
    }
    expect(await conditions()).toEqual(["unfinished"]);
  });
});

describe("a journal of schema 1", () => {
  beforeEach(() => {
    const db = new DatabaseSync(join(dir, JOURNAL_FILE));
    db.exec(SCHEMA_1);
    db.prepare("INSERT INTO job VALUES (?, 'running', 'mlferry copy a b', 'http://a', 'http://b', ?, ?, ?, 10, 20, 1)").run(
      "1a3dd874410a1248",
      '{"models":["*"]}',
      source,
      target,
    );
    db.exec("INSERT INTO entry VALUES ('1a3dd874410a1248', 'run:r1', 'done', 'f1', 'run:there', NULL, NULL)");
    db.close();
  });

  const schema = (): unknown => {
    const db = new DatabaseSync(join(dir, JOURNAL_FILE), { readOnly: true });
    try {
      return db.prepare("PRAGMA user_version").get()?.["user_version"];
    } finally {
      db.close();
    }
  };

  it("is read as it is, and stays so", async () => {
    const [job] = await jobStatuses(dir);
    expect(job).toMatchObject({ condition: "unfinished", done: 1, updated: 20 });
    expect(job).not.toHaveProperty("args");
    expect(await findJob(dir, { source, target })).toMatchObject({ options: { models: ["*"] } });
    expect(schema()).toBe(1);
  });

  it("is brought up to date by the next job, which continues what was cut off", async () => {
    const journal = await openJournal(jobOptions(dir));
    expect(journal.resuming).toBe(true);
    expect(await journal.last(keyOf("run", "r1"))).toMatchObject({ state: "done", placed: "run:there" });
    await journal.end("complete");
    await journal.close();
    expect(schema()).toBe(4);
    expect(await jobStatuses(dir)).toMatchObject([{ condition: "complete", args: ["copy", "a", "b"], started: 10 }]);
  });
});

/** As mlferry 0.1 created it. */
const SCHEMA_1 = `
  CREATE TABLE job (
    id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'partial')),
    command TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, options TEXT NOT NULL,
    source_origin TEXT NOT NULL, target_origin TEXT NOT NULL,
    started INTEGER NOT NULL, updated INTEGER NOT NULL, pid INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE entry (
    job TEXT NOT NULL REFERENCES job (id), key TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'failed')),
    fingerprint TEXT NOT NULL, placed TEXT, code TEXT, message TEXT,
    PRIMARY KEY (job, key)
  ) WITHOUT ROWID;
  CREATE TABLE file (
    job TEXT NOT NULL REFERENCES job (id), key TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (job, key, path)
  ) WITHOUT ROWID;
  PRAGMA user_version = 1;
`;
