// From server to server through a pipe, with something in between that knows nothing of bundles; and what remains when the writer dies.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listingSchema } from "../../src/report/json.ts";
import { createWorkplace } from "./mlferry.ts";
import type { Workplace } from "./mlferry.ts";
import { compareServers } from "./registry.ts";
import { startMlflow } from "./servers.ts";
import type { LiveServer } from "./servers.ts";
import { expectSourceUntouched, source } from "./source.ts";

let place: Workplace;
let target: LiveServer;

beforeAll(async () => {
  place = await createWorkplace();
  target = await startMlflow({ name: "pipe" });
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

const ELSEWHERE = "experiment of the children";
const SELECTED = `--models many --experiments '${ELSEWHERE}'`;

describe("a pipe whose writer is killed", () => {
  it("is refused, and nothing is written to the target", async () => {
    const before = await target.storedState();
    const { code, stdout, stderr } = await place.type(`
      mkfifo pipe
      ( exec "$node" "$main" export ${source().url} -o - --include-deleted --compression none --quiet ) > pipe 2> told & writer=$!
      { head -c 100000; kill -9 $writer; cat; } < pipe | mlferry import - ${target.url} --quiet`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: stdin is damaged: .*\nhint: list everything that is wrong with: mlferry verify -\n$/);
    expect(await target.storedState()).toBe(before);
  });
});

describe("a selection through a pipe", () => {
  it("arrives whole, by way of any filter, and a second time changes nothing", async () => {
    const line = `mlferry export ${source().url} -o - ${SELECTED} --quiet | gzip -1 | gzip -d | mlferry import - ${target.url} --quiet`;
    const first = await place.type(line);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^all \d+ objects from stdin are at http/m);
    expect(first.stderr).toMatch(/^all \d+ objects from http:\S+ are at stdout after/m);
    const after = await target.storedState();
    const second = await place.type(line);
    expect(second.code, second.stderr).toBe(0);
    expect(second.stdout).toMatch(/already holds everything/);
    expect(await target.storedState()).toBe(after);
  });

  it("is what MLflow's own client finds at the source", async () => {
    const { stdout } = await place.run(["ls", source().url, "--include-deleted", "--json", "--quiet"]);
    const all = listingSchema.parse(JSON.parse(stdout));
    const { differences } = await compareServers(source().url, target.url, {
      map: { experiments: leftOut(all.experiments, ELSEWHERE, "Default"), models: leftOut(all.models, "many") },
      // Experiments of which only some runs were needed: for the comparison they are left out, with all runs but these.
      allow: ["runs", "runs of many"].flatMap((name) => [
        { key: `experiment:${name}`, field: "extra" },
        { key: `run:${name}/*`, field: "experiment" },
      ]),
    });
    expect(differences).toEqual([]);
  });

  it("has not written anything to the source", expectSourceUntouched);
});

function leftOut(all: readonly { readonly name: string }[], ...wanted: readonly string[]): Record<string, null> {
  return Object.fromEntries(all.filter(({ name }) => !wanted.includes(name)).map(({ name }) => [name, null]));
}
