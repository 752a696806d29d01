// Moves one large file from a real server to a tar and from there to another server, and tells the memory that mlferry needed:
// `node bench/memory.ts [--mib N]`. It should not depend on the size: a small file goes the same way first.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMlflow } from "../test/live/servers.ts";
import type { LiveServer } from "../test/live/servers.ts";
import { post, textAt } from "./fill.ts";
import { measureMlferry } from "./measure.ts";
import type { Measured } from "./measure.ts";
import { benchOptions } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { machineLine, mib, print } from "./report.ts";
import { scratch } from "./stage.ts";

const MIB = 2 ** 20;
const SMALL_MIB = 16;
/** An export holds a file in its spool while it appends it to the tar, an import leaves it in the bundle and at the target. */
const COPIES = 2;
const MARGIN_MIB = 2048;
const FILE_NAME = "weights.bin";

async function main({ mib: large, port }: BenchOptions): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const needed = (large * COPIES + MARGIN_MIB) * MIB;
  if (bavail * bsize < needed) {
    print(`skipped: ${mib(bavail * bsize)} free where temporary files go, ${mib(needed)} needed; give a smaller --mib or another TMPDIR`);
    return;
  }
  print(machineLine());
  for (const size of [SMALL_MIB, large]) await moveFile(size * MIB, port);
}

async function moveFile(bytes: number, port: number | undefined): Promise<void> {
  await using folder = await scratch("memory");
  const { dir } = folder;
  const [bundle, state] = [`${dir}/bundle.tar`, `${dir}/state`];
  await using source = await startMlflow({ name: "bench-memory-source", ...(port === undefined ? {} : { port }) });
  const digest = await digestOf(await makeFile(source, bytes));
  print(
    "",
    `one file of ${mib(bytes)}`,
    line("export", await measureMlferry(["export", source.url, "-o", bundle], { name: "export", dir, state })),
  );
  await source.stop();
  await using target = await startMlflow({ name: "bench-memory-target", ...(port === undefined ? {} : { port: port + 1 }) });
  print(line("import", await measureMlferry(["import", bundle, target.url], { name: "import", dir, state })));
  await rm(bundle);
  const arrived = await findFile(target);
  const same = (await stat(arrived)).size === bytes && (await digestOf(arrived)) === digest;
  print(`  the target's file is ${same ? "the same" : "DIFFERENT"} (sha256)`);
  if (!same) process.exitCode = 1;
}

function line(name: string, { seconds, peakBytes }: Measured): string {
  return `  ${name}: peak ${mib(peakBytes)}, ${seconds.toFixed(0)} s`;
}

/** A run with one file, which is made on the server's disk: sparse, but with a mark of its own in every MiB. */
async function makeFile(server: LiveServer, bytes: number): Promise<string> {
  const made = await post(server.url, "runs/create", { experiment_id: "0", run_name: "large", start_time: 1 });
  const root = textAt(made, "run", "info", "artifact_uri").replace(/^mlflow-artifacts:\/+/, "");
  await post(server.url, "runs/update", { run_id: textAt(made, "run", "info", "run_id"), status: "FINISHED", end_time: 2 });
  const folder = join(server.dir, "art", root, "model");
  await mkdir(folder, { recursive: true });
  const path = join(folder, FILE_NAME);
  const file = await open(path, "wx");
  try {
    await file.truncate(bytes);
    for (let at = 0; at < bytes; at += MIB) await file.write(`MiB ${at / MIB}\n`, at);
  } finally {
    await file.close();
  }
  return path;
}

async function findFile(server: LiveServer): Promise<string> {
  const entries = await readdir(join(server.dir, "art"), { recursive: true });
  const found = entries.find((entry) => entry.endsWith(`model/${FILE_NAME}`));
  if (found === undefined) throw new Error("the file did not arrive");
  return join(server.dir, "art", found);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

await main(benchOptions(process.argv.slice(2)));
