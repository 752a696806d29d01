// A child process for the crash test: appends entries without end and prints the number of each acknowledged one.
import { writeSync } from "node:fs";
import { openJournal } from "../../src/journal/journal.ts";
import { keyOf } from "../../src/model/keys.ts";
import { entry, jobOptions } from "./sample.ts";

const dir = process.argv[2];
if (dir === undefined) throw new Error("usage: append-forever.ts DIR");
const journal = await openJournal(jobOptions(dir));

let next = 0;
async function appendForever(): Promise<void> {
  for (;;) {
    const number = next++;
    await journal.append(entry({ key: keyOf("run", String(number)) }));
    // Unbuffered: what the parent has read was acknowledged before.
    writeSync(1, `${String(number)}\n`);
  }
}
await Promise.all([appendForever(), appendForever(), appendForever()]);
