import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { idOf } from "../../src/model/keys.ts";
import { serveRegistry } from "../../src/serve/serve.ts";
import { alias, experiment, idFor, loggedModel, LONG_AGO, point, registeredModel, run, tags, versionOf } from "../contract/builders.ts";
import { oddFiles, registryOf } from "../contract/sample.ts";
import { placeOf, serveItems } from "./client.ts";
import type { Client } from "./client.ts";

const home = experiment("home", { tags: tags({ team: "ads" }) });
const points = Array.from({ length: 30 }, (_, i) => point("loss", 1 / (i + 1), i, LONG_AGO + BigInt(i)));
const odd = [point("odd", NaN, 0), point("odd", Infinity, 2n ** 62n), point("odd", 1.5, -3)];
const parent = run("parent", home, { startTime: 2000n, params: tags({ depth: "3" }) }, { points: [...points, ...odd], files: oddFiles() });
const child = run("child", home, { startTime: 1000n, status: "FAILED" }, { parent: parent.entity.key, points: [point("loss", 2)] });
const gone = run("gone", home, { startTime: 3000n, deleted: true });
const files = { "model/MLmodel": "flavors: {}", "model/data/m.bin": "0123456789" };
const maker = run("maker", home, { startTime: 4000n }, { files });
const made = loggedModel("made", home, { sourceRun: maker.entity.key, outputOf: [{ run: maker.entity.key, step: 2n }] }, { MLmodel: "x" });
const model = registeredModel("fraud", { description: "für alle" });
const versions = [1, 4, 7].map((number) => versionOf(maker, number, model, { stage: number === 4 ? "Production" : "None" }));
const champion = versions[1] === undefined ? [] : [alias("champion", versions[1])];
const dropped = experiment("dropped", { deleted: true });

let client: Client;
beforeAll(async () => {
  client = await serveItems([home, dropped, parent, child, gone, maker, made, model, ...versions, ...champion]);
});
afterAll(() => client.server.close());

const experimentId = idOf(home.entity.key);
const searchRuns = async (body: object): Promise<string[]> => {
  const answer = (await client.post("runs/search", { experiment_ids: [experimentId], ...body })) as {
    runs?: { info: { run_name: string } }[];
  };
  return (answer.runs ?? []).map(({ info }) => info.run_name);
};

describe("a served registry", () => {
  it("says which MLflow it is like", async () => {
    expect(await (await client.raw("/version")).text()).toBe("3.17.2");
    expect(await (await client.raw("/health")).text()).toBe("OK");
    expect(await client.get("/api/3.0/mlflow/server-info")).toMatchObject({ workspaces_enabled: false, artifact_serving_enabled: true });
  });

  it("answers the same below /api and /ajax-api", async () => {
    const path = `2.0/mlflow/experiments/get?experiment_id=${experimentId}`;
    expect(await client.get(`/ajax-api/${path}`)).toEqual(await client.get(`/api/${path}`));
  });

  it("finds experiments by id, name and state", async () => {
    expect(await client.get("experiments/get-by-name", { experiment_name: "home" })).toMatchObject({
      experiment: { experiment_id: experimentId, tags: [{ key: "team", value: "ads" }], creation_time: Number(LONG_AGO) },
    });
    expect(await client.post("experiments/search", { max_results: 5, view_type: "DELETED_ONLY" })).toMatchObject({
      experiments: [{ name: "dropped", lifecycle_stage: "deleted" }],
    });
  });

  it("gives a run with all that it holds", async () => {
    expect(await client.get("runs/get", { run_id: idFor("maker") })).toMatchObject({
      run: { info: { run_name: "maker", start_time: 4000 }, outputs: { model_outputs: [{ model_id: idOf(made.entity.key), step: 2 }] } },
    });
  });

  it("orders, pages and filters runs", async () => {
    expect(await searchRuns({})).toEqual(["maker", "parent", "child"]);
    expect(await searchRuns({ order_by: ["attributes.start_time ASC"], run_view_type: "ALL" })).toEqual([
      "child",
      "parent",
      "gone",
      "maker",
    ]);
    const first = (await client.post("runs/search", { experiment_ids: [experimentId], max_results: 2 })) as { next_page_token: string };
    expect(await searchRuns({ max_results: 2, page_token: first.next_page_token })).toEqual(["child"]);
  });

  it.each([
    ["attributes.run_id IN ('X', 'PARENT')", ["parent"]],
    ["status = 'FAILED'", ["child"]],
    ["tags.mlflow.parentRunId = 'PARENT' and status != 'RUNNING'", ["child"]],
    ["tags.`mlflow.runName` LIKE '%arent'", ["parent"]],
    ["params.depth = '3'", ["parent"]],
    ["params.depth != '4'", ["parent"]],
    ["metrics.loss > 1.5 AND start_time <= 1000", ["child"]],
    ["params.depth IS NULL", ["maker", "child"]],
  ])("understands the filter %s", async (filter, names) => {
    expect(await searchRuns({ filter: filter.replace("PARENT", idFor("parent")) })).toEqual(names);
  });

  it.each([
    ["attributes.colour = 'red'", "attributes.colour"],
    ["status = 'FAILED' OR status = 'KILLED'", "OR status"],
    ["status = ", "status"],
    ["status IN 'FAILED'", "status"],
  ])("refuses the filter %s and names what it does not understand", async (filter, name) => {
    const answer = await client.post("runs/search", { experiment_ids: [experimentId], filter });
    expect(answer).toMatchObject({ error_code: "INVALID_PARAMETER_VALUE" });
    expect((answer as { message: string }).message).toContain(name);
  });

  it("pages through a metric's history in the order of time, step and value", async () => {
    const query = { run_id: idFor("parent"), metric_key: "loss", max_results: "20" };
    const first = (await client.get("metrics/get-history", query)) as { metrics: { step: number }[]; next_page_token: string };
    const second = (await client.get("metrics/get-history", { ...query, page_token: first.next_page_token })) as typeof first;
    expect([...first.metrics, ...second.metrics].map(({ step }) => step)).toEqual(points.map((_, i) => i));
    expect(second.next_page_token).toBeUndefined();
  });

  it("keeps large integers exact and spells out what JSON has no number for", async () => {
    const text = await (await client.raw(`/api/2.0/mlflow/metrics/get-history?run_id=${idFor("parent")}&metric_key=odd`)).text();
    expect(text).toContain(`"step":${String(2n ** 62n)}`);
    expect(text).toContain(`"value":"NaN"`);
  });

  it("answers bulk histories of several runs with bare numbers, cut without a token", async () => {
    const query = `metric_key=loss&run_id=${idFor("parent")}&run_id=${idFor("child")}&max_results=31`;
    const all = (await client.get(`/ajax-api/2.0/mlflow/metrics/get-history-bulk?${query}`)) as { metrics: unknown[] };
    expect(all.metrics).toHaveLength(31);
    const text = await (await client.raw(`/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=odd&run_id=${idFor("parent")}`)).text();
    expect(text).toContain(`"value":NaN`);
  });

  it("gives a registered model with its aliases and the latest version of each stage", async () => {
    expect(await client.get("registered-models/get", { name: "fraud" })).toMatchObject({
      registered_model: {
        description: "für alle",
        aliases: [{ alias: "champion", version: "4" }],
        latest_versions: [
          { version: "4", current_stage: "Production" },
          { version: "7", current_stage: "None" },
        ],
      },
    });
    expect(await client.get("registered-models/alias", { name: "fraud", alias: "champion" })).toMatchObject({
      model_version: { version: "4", aliases: ["champion"] },
    });
  });

  it("resolves a version to where its files lie, and serves them with ranges", async () => {
    const { artifact_uri: uri } = (await client.get("model-versions/get-download-uri", { name: "fraud", version: "1" })) as {
      artifact_uri: string;
    };
    expect(uri).toBe(`mlflow-artifacts:/${experimentId}/${idFor("maker")}/artifacts/model`);
    const path = `/api/2.0/mlflow-artifacts/artifacts${uri.slice("mlflow-artifacts:".length)}/data/m.bin`;
    const whole = await client.raw(path);
    expect([whole.status, whole.headers.get("content-length"), await whole.text()]).toEqual([200, "10", "0123456789"]);
    const check = async (range: string, expected: unknown[]): Promise<void> => {
      const part = await client.raw(path, { headers: { range } });
      expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual(expected);
    };
    await check("bytes=3-5", [206, "bytes 3-5/10", "345"]);
    await check("bytes=7-", [206, "bytes 7-9/10", "789"]);
    await check("bytes=-2", [206, "bytes 8-9/10", "89"]);
    await check("bytes=10-", [416, "bytes */10", ""]);
    const changed = await client.raw(path, { headers: { range: "bytes=3-5", "if-range": '"another"' } });
    expect(changed.status).toBe(200);
  });

  it("lists folders level by level and serves every file under its own name", async () => {
    const { files: top } = (await client.get("artifacts/list", { run_id: idFor("parent") })) as {
      files: { path: string; is_dir: boolean }[];
    };
    expect(top).toContainEqual({ path: "deep", is_dir: true });
    expect(top).toContainEqual({ path: "empty", is_dir: false });
    for (const [path, content] of Object.entries(oddFiles())) {
      const encoded = path.split("/").map(encodeURIComponent).join("/");
      const answer = await client.raw(`/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${idFor("parent")}/artifacts/${encoded}`);
      expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(content)), path).toBe(true);
      const again = await client.raw(`/get-artifact?${new URLSearchParams({ run_id: idFor("parent"), path }).toString()}`);
      expect(Buffer.from(await again.arrayBuffer()).equals(Buffer.from(content)), path).toBe(true);
    }
  });

  it("finds and lists logged models", async () => {
    const id = idOf(made.entity.key);
    expect(await client.post("logged-models/search", { experiment_ids: [experimentId], filter: "status = 'READY'" })).toMatchObject({
      models: [{ info: { model_id: id, source_run_id: idFor("maker") } }],
    });
    expect(await client.get(`logged-models/${id}/artifacts/directories`)).toMatchObject({ files: [{ path: "MLmodel", file_size: 1 }] });
    expect(await (await client.raw(`/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files?artifact_file_path=MLmodel`)).text()).toBe(
      "x",
    );
  });

  it.each([
    ["experiments/get?experiment_id=99", 404, "RESOURCE_DOES_NOT_EXIST"],
    ["experiments/get", 400, "INVALID_PARAMETER_VALUE"],
    ["runs/get?run_id=none", 404, "RESOURCE_DOES_NOT_EXIST"],
    ["registered-models/get?name=none", 404, "RESOURCE_DOES_NOT_EXIST"],
    ["registered-models/alias?name=fraud&alias=none", 400, "INVALID_PARAMETER_VALUE"],
    ["model-versions/get?name=fraud&version=2", 404, "RESOURCE_DOES_NOT_EXIST"],
    ["model-versions/get?name=fraud&version=two", 400, "INVALID_PARAMETER_VALUE"],
    ["logged-models/m-0", 404, "RESOURCE_DOES_NOT_EXIST"],
    ["registered-models/search?max_results=1001", 400, "INVALID_PARAMETER_VALUE"],
    ["registered-models/search?page_token=nonsense", 400, "INVALID_PARAMETER_VALUE"],
  ])("answers %s with %i %s", async (path, status, code) => {
    const answer = await client.raw(`/api/2.0/mlflow/${path}`);
    expect([answer.status, ((await answer.json()) as { error_code: string }).error_code]).toEqual([status, code]);
  });

  it.each([
    ["POST", "/api/2.0/mlflow/runs/create"],
    ["POST", "/api/2.0/mlflow/registered-models/create"],
    ["PATCH", "/api/2.0/mlflow/registered-models/update"],
    ["DELETE", "/api/2.0/mlflow/model-versions/delete"],
    ["PUT", `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/x`],
    ["POST", "/v1/traces"],
  ])("refuses %s %s", async (method, path) => {
    const answer = await client.raw(path, { method, body: "{}" });
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error_code: "PERMISSION_DENIED", message: "this registry is served read-only" },
    ]);
  });

  it("has no traces, prompts, datasets or webhooks", async () => {
    expect(await client.get("/api/2.0/mlflow/webhooks")).toEqual({});
    expect(await client.get("registered-models/search", { filter: "tags.`mlflow.prompt.is_prompt` = 'true'" })).toEqual({});
    expect(await client.get("/api/3.0/mlflow/traces/get", { trace_id: "t" })).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
    expect((await client.raw("/api/2.0/mlflow/users/current")).status).toBe(404);
  });

  it("does not answer to the name of another site", async () => {
    const { createConnection } = await import("node:net");
    const status = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(Number(new URL(client.server.url).port), "127.0.0.1");
      socket.once("error", reject).once("data", (data: Buffer) => {
        socket.destroy();
        resolve(data.toString().slice(9, 12));
      });
      socket.write("GET /version HTTP/1.1\r\nHost: evil.example:80\r\n\r\n");
    });
    expect(status).toBe("403");
  });

  it("logs one line for each request", async () => {
    const before = client.log.length;
    await (await client.raw("/health")).text();
    await expect.poll(() => client.log.slice(before)).toEqual([expect.stringMatching(/^GET \/health 200 \d+ ms$/)]);
  });
});

describe("serving", () => {
  it("cuts the connection when a file cannot be read to its end", async () => {
    const place = placeOf([home, maker]);
    const broken = {
      ...place,
      artifacts: (...args: Parameters<typeof place.artifacts>) => ({
        ...place.artifacts(...args),
        async *open() {
          yield Buffer.from("0123");
          throw new Error("gone");
        },
      }),
    };
    const server = await serveRegistry(broken, { port: 0 });
    const answer = await fetch(`${server.url}/get-artifact?run_id=${idFor("maker")}&path=model/data/m.bin`);
    await expect(answer.text()).rejects.toThrow();
    await server.close();
  });

  it("says so when the port is taken", async () => {
    const port = Number(new URL(client.server.url).port);
    await expect(serveRegistry(placeOf([]), { port })).rejects.toMatchObject({ code: "USAGE", message: /EADDRINUSE/ });
  });

  it("asks the source once for what many requests want", async () => {
    const place = placeOf([home, parent]);
    let asked = 0;
    const counting = {
      ...place,
      histories: (...args: Parameters<typeof place.histories>) => {
        asked += 1;
        return place.histories(...args);
      },
    };
    const server = await serveRegistry(counting, { port: 0 });
    const path = `${server.url}/api/2.0/mlflow/metrics/get-history?run_id=${idFor("parent")}&metric_key=`;
    await Promise.all(["loss", "odd", "loss"].map((key) => fetch(path + key)));
    expect(asked).toBe(1);
    await server.close();
  });

  it("serves every kind of object that a place can hold", async () => {
    const items = registryOf("all");
    const all = await serveItems(items);
    const welcome = await (await all.raw("/")).text();
    for (const [kind, noun] of [
      ["run", "runs"],
      ["model-version", "versions"],
      ["logged-model", "logged models"],
    ] as const) {
      const expected = items.filter(({ entity }) => entity.kind === kind).length;
      expect(welcome).toContain(`${String(expected)} ${noun}`);
    }
    await all.server.close();
  });
});
