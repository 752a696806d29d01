// Files as the server gives them: which route is asked, and what no route can carry.
import { describe, expect, it } from "vitest";
import { asMigrationError } from "../../src/errors.ts";
import type { LoggedModel, ModelVersion, Run } from "../../src/model/entities.ts";
import type { ArtifactFile, ArtifactReader } from "../../src/ports/source.ts";
import type { Content } from "../fakes/readable-mlflow.ts";
import { experimentJson, hexId, loggedModelJson, modelId, modelJson, never, open, runJson, versionJson } from "./registry.ts";

const R = hexId("run");
const PROXY = "GET /api/2.0/mlflow-artifacts/artifacts";

function content(files: Readonly<Record<string, string>>, more: Content = {}): Content {
  const below = Object.fromEntries(Object.entries(files).map(([path, text]) => [`1/${R}/artifacts/${path}`, text]));
  return { experiments: [experimentJson("1", "one")], runs: [runJson("run")], files: below, ...more };
}

interface Read {
  readonly reader: ArtifactReader;
  readonly requests: string[];
}

/** A reader over the files of the entity with this key; requests are counted from here. */
async function readerOf(shownKey: string, ...args: Parameters<typeof open>): Promise<Read> {
  const place = open(...args);
  const entity = (await place.entity(shownKey)) as Run | LoggedModel | ModelVersion;
  place.requests.length = 0;
  return { reader: place.source.artifacts(entity, never), requests: place.requests };
}

async function listed(reader: ArtifactReader): Promise<ArtifactFile[]> {
  const files: ArtifactFile[] = [];
  for await (const file of reader.list()) files.push(file);
  return files;
}

async function text(reader: ArtifactReader, path: string, offset = 0): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.open({ path }, { offset })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function texts(reader: ArtifactReader): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { path } of await listed(reader)) found[path] = await text(reader, path);
  return found;
}

describe("the files of a run", () => {
  const files = { a: "1", "sub/b": "22", "sub/deep/c": "", "größe/模型 +&=:'([.txt": "x", "100% sure": "y", "%zz": "z" };

  it("come from any depth, with their sizes, in one listing for each folder", async () => {
    const { reader, requests } = await readerOf("run:run", content(files));
    expect((await listed(reader)).map(({ path, sizeBytes }) => [path, sizeBytes]).sort()).toEqual(
      Object.entries(files)
        .map(([path, body]) => [path, body.length])
        .sort(),
    );
    expect(requests).toEqual(Array<string>(4).fill("GET artifacts/list"));
  });

  it("are read through the proxy once a listing has told that it has them", async () => {
    const { reader, requests } = await readerOf("run:run", content(files));
    expect(await texts(reader)).toEqual(files);
    expect(requests.filter((route) => route.startsWith(PROXY))).toHaveLength(Object.keys(files).length - 1);
    // The one whose name is beyond Latin-1, at which the proxy of 2.22.5 closes the connection.
    expect(requests.filter((route) => route === "GET /get-artifact")).toHaveLength(1);
  });

  it("are read on behalf of the run where the server passes nothing on, or the proxy refuses", async () => {
    const local = { ...content({}), runs: [runJson("run", { root: `local/${R}` })], files: { [`local/${R}/a`]: "1" } };
    const unproxied = await readerOf("run:run", local);
    expect(await texts(unproxied.reader)).toEqual({ a: "1" });
    expect(unproxied.requests).toEqual(["GET artifacts/list", "GET /get-artifact"]);
    const switchedOff = await readerOf("run:run", content({ a: "1" }), { servesArtifacts: false });
    expect(await texts(switchedOff.reader)).toEqual({ a: "1" });
    const route = `/api/2.0/mlflow-artifacts/artifacts/1/${R}/artifacts/a`;
    const refusing = await readerOf("run:run", content({ a: "1" }, { broken: { [route]: 403 } }));
    expect(await texts(refusing.reader)).toEqual({ a: "1" });
  });

  it("can be read from the middle, and without a listing", async () => {
    const { reader } = await readerOf("run:run", content({ "sub/b": "0123456789" }));
    expect(await text(reader, "sub/b", 4)).toBe("456789");
    expect(await text(reader, "sub/b")).toBe("0123456789");
  });

  it("whose names the server takes for others are told, and never read under another's name", async () => {
    const awkward = { "a b": "with a space", "a%20b": "with an escape", "100%25": "x", "hash#tag": "y", ok: "z" };
    const { reader, requests } = await readerOf("run:run", content(awkward));
    const unreadable = (await listed(reader)).filter((file) => file.unreadable !== undefined).map(({ path }) => path);
    expect(unreadable.sort()).toEqual(["100%25", "a%20b", "hash#tag"]);
    requests.length = 0;
    for (const path of unreadable)
      await expect(text(reader, path)).rejects.toMatchObject({
        code: "ARTIFACT_UNREADABLE",
        message: expect.stringContaining(path) as unknown,
      });
    expect(requests).toEqual([]);
    expect(await text(reader, "a b")).toBe("with a space");
  });

  it("in folders that cannot be listed are told by their folder, and the rest still comes", async () => {
    const { reader } = await readerOf("run:run", content({ "folder#1/x": "1", "folder%201/y": "2", "folder 1/z": "3", ok: "4" }));
    const found = await listed(reader);
    expect(
      found
        .filter((file) => file.unreadable !== undefined)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["folder#1", "folder%201"]);
    expect(
      found
        .filter((file) => file.unreadable === undefined)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["folder 1/z", "ok"]);
  });

  it("that are not there or out of the server's reach are unreadable", async () => {
    const { reader } = await readerOf("run:run", content({ a: "1" }));
    await expect(text(reader, "b")).rejects.toMatchObject({
      code: "ARTIFACT_UNREADABLE",
      message: expect.stringContaining("b of run:") as unknown,
    });
    const lost = await readerOf("run:run", content({}, { broken: { "artifacts/list": 500 } }));
    await expect(listed(lost.reader)).rejects.toMatchObject({ code: "ARTIFACT_UNREADABLE" });
  });

  it("are no matter of files when the server wants a login", async () => {
    const { reader } = await readerOf("run:run", content({}, { broken: { "artifacts/list": 401 } }));
    await expect(listed(reader)).rejects.toMatchObject({ code: "NOT_AUTHORISED" });
  });

  it("are not asked for once the reader is told to stop", async () => {
    const place = open(content({ a: "1" }));
    const reader = place.source.artifacts((await place.entity("run:run")) as Run, AbortSignal.abort());
    expect(asMigrationError(await listed(reader).catch((thrown: unknown) => thrown)).code).toBe("INTERRUPTED");
  });
});

describe("the files of a version", () => {
  const registry = (source: string, more: Content = {}): Content => ({
    ...content({ "model/MLmodel": "flavors", "model/data/x": "1", "model.pkl": "pickle", other: "2" }),
    models: [modelJson("v")],
    versions: [versionJson("v", 1, source, { run_id: R })],
    ...more,
  });

  it("are those below its path, without the path", async () => {
    const { reader } = await readerOf("model-version:v/1", registry(`runs:/${R}/model`));
    expect(await texts(reader)).toEqual({ MLmodel: "flavors", "data/x": "1" });
  });

  it("can be one file", async () => {
    const { reader } = await readerOf("model-version:v/1", registry(`runs:/${R}/model.pkl`));
    expect(await listed(reader)).toEqual([{ path: "model.pkl", sizeBytes: 6 }]);
    expect(await text(reader, "model.pkl")).toBe("pickle");
    const unlisted = await readerOf("model-version:v/1", registry(`runs:/${R}/model.pkl`));
    expect(await text(unlisted.reader, "model.pkl")).toBe("pickle");
  });

  it("are none where there is nothing", async () => {
    const { reader } = await readerOf("model-version:v/1", registry(`runs:/${R}/nothing`));
    expect(await listed(reader)).toEqual([]);
  });

  it("are those of its logged model", async () => {
    const root = `1/models/${modelId("lm")}/artifacts`;
    const loggedModels = [loggedModelJson("lm")];
    const { reader } = await readerOf(
      "model-version:v/1",
      registry(`models:/${modelId("lm")}`, { loggedModels, files: { [`${root}/MLmodel`]: "m", [`${root}/d/e`]: "e" } }),
    );
    expect(await texts(reader)).toEqual({ MLmodel: "m", "d/e": "e" });
  });

  it("are found behind the proxy when run and logged model are gone", async () => {
    const locations = { "v/1": "mlflow-artifacts:/1/gone/artifacts/model" };
    const files = { "1/gone/artifacts/model/MLmodel": "m", "1/gone/artifacts/model/d/e": "" };
    const { reader } = await readerOf("model-version:v/1", registry("mlflow-artifacts:/1/gone/artifacts/model", { locations, files }));
    expect(await texts(reader)).toEqual({ MLmodel: "m", "d/e": "" });
  });

  it("are found below the run or logged model that a plain path is in", async () => {
    const root = `/data/models/${modelId("lm")}/artifacts`;
    const lm = { info: { ...loggedModelJson("lm").info, artifact_uri: root } };
    const dev = versionJson("dev", 1, `models:/${modelId("lm")}`, { run_id: R });
    const promoted = versionJson("v", 1, "models:/dev/1", { run_id: R });
    const { reader } = await readerOf(
      "model-version:v/1",
      registry("", {
        loggedModels: [lm],
        models: [modelJson("dev"), modelJson("v")],
        versions: [dev, promoted],
        locations: { "v/1": root },
        files: { [`${root.slice(1)}/MLmodel`]: "m" },
      }),
    );
    expect(await texts(reader)).toEqual({ MLmodel: "m" });
  });

  it("in a store that the server does not list are unreadable, by name", async () => {
    const { reader } = await readerOf("model-version:v/1", registry("s3://bucket/model", { locations: { "v/1": "s3://bucket/model" } }));
    await expect(listed(reader)).rejects.toMatchObject({
      code: "ARTIFACT_UNREADABLE",
      message: expect.stringContaining("s3://bucket/model") as unknown,
    });
  });
});
