// A bundle that leaves as it is made is the same tar as in a file; what is cut off is told by every reader.
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBundleSource } from "../../src/adapters/bundle/source.ts";
import type { ByteSink } from "../../src/adapters/bundle/stream-writer.ts";
import { createBundleStream } from "../../src/adapters/bundle/target.ts";
import { MigrationError } from "../../src/errors.ts";
import type { Target } from "../../src/ports/target.ts";
import { EVERYTHING, OPTIONS, contentOf, ferryTo, never, smallRegistry, testFolder, writeBundle } from "./rig.ts";

function begin(folder: string, sink: ByteSink): { stream: Target; temporary: string } {
  const temporary = join(folder, `export-${randomUUID()}`);
  return { stream: createBundleStream({ ...OPTIONS, uri: "stdout", sink, folder: temporary }), temporary };
}

/** Keeps what is sent; fails at the write of the number. */
function memorySink(failAt = Infinity): ByteSink & { readonly sent: Buffer[]; mostAtOnce(): number } {
  const sent: Buffer[] = [];
  let [writes, atOnce, most] = [0, 0, 0];
  return {
    sent,
    mostAtOnce: () => most,
    write: async (bytes) => {
      most = Math.max(most, ++atOnce);
      if (++writes >= failAt) throw new MigrationError("OUTPUT_CLOSED", "the reader has gone away");
      await new Promise(setImmediate);
      sent.push(Buffer.from(bytes));
      atOnce--;
    },
  };
}

describe("a streamed bundle", () => {
  it("has the bytes of the same bundle in a file, and leaves nothing else behind", async () => {
    const folder = await testFolder();
    const sink = memorySink();
    const { stream, temporary } = begin(folder, sink);
    await ferryTo(stream).putAll(smallRegistry());
    expect(existsSync(temporary)).toBe(true);
    await stream.finish({ losses: [], notCarried: [] });
    await stream.close();
    expect(await readdir(folder)).toEqual([]);
    await writeBundle(join(folder, "b.tar"));
    expect(Buffer.compare(Buffer.concat(sink.sent), await readFile(join(folder, "b.tar")))).toBe(0);
    expect(sink.mostAtOnce()).toBe(1);
  });

  it("is sent as it is made, and begins with the first object", async () => {
    const folder = await testFolder();
    const sink = memorySink();
    const { stream } = begin(folder, sink);
    expect(await ferryTo(stream).find(smallRegistry()[0] as never)).toBeUndefined();
    expect(sink.sent).toEqual([]);
    await ferryTo(stream).putAll(smallRegistry().slice(0, 2));
    const names =
      Buffer.concat(sink.sent)
        .toString("latin1")
        .match(/blobs\/sha256\//g) ?? [];
    expect(names.length).toBeGreaterThan(2);
    await stream.close();
    expect(await readdir(folder)).toEqual([]);
  });

  it("without an object is a whole bundle", async () => {
    const folder = await testFolder();
    const sink = memorySink();
    const { stream } = begin(folder, sink);
    await stream.finish({ losses: [], notCarried: [] });
    await stream.close();
    await writeFile(join(folder, "b.tar"), Buffer.concat(sink.sent));
    const source = await openBundleSource(join(folder, "b.tar"));
    expect((await source.select(EVERYTHING, never)).expected).toEqual({});
    await source.close();
  });

  it("that its reader leaves fails as a whole, and nothing more is sent", async () => {
    const folder = await testFolder();
    for (const failAt of [1, 2, 5, 20]) {
      const sink = memorySink(failAt);
      const { stream } = begin(folder, sink);
      const ferry = ferryTo(stream);
      await expect(ferry.putAll(smallRegistry())).rejects.toMatchObject({ code: "OUTPUT_CLOSED" });
      const { length } = sink.sent;
      await expect(stream.finish({ losses: [], notCarried: [] })).rejects.toMatchObject({ code: "OUTPUT_CLOSED" });
      expect(sink.sent).toHaveLength(length);
      await stream.close();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("is read through a file that has no name", async () => {
    const path = join(await testFolder(), "b.tar");
    await writeBundle(path);
    const [named, nameless] = [await openBundleSource(path), await openBundleSource({ where: "stdin", file: await open(path) })];
    expect(await contentOf(nameless)).toEqual(await contentOf(named));
    expect(nameless.uri).toBe("stdin");
    await named.close();
    await nameless.close();
  });
});
