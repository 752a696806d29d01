import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeBundle } from "./bundles.ts";
import { mlferry, tempFolder } from "./program.ts";
import { always, outlineServer, serve } from "./servers.ts";

const SECRET = "s3cr3t-t0ken-0123456789";

test("a server that is not reachable is told within seconds, with a hint", async () => {
  const ran = await mlferry(["ls", "http://127.0.0.1:1"], { cwd: tempFolder() });
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toBe("error: cannot reach http://127.0.0.1:1: connection refused\nhint: is the server running? check host and port\n");
});

test.each([
  ["an HTML page", always(200, "text/html", "<!doctype html><title>Welcome</title>")],
  ["404 and HTML", always(404, "text/html", "<html><title>Not Found</title></html>")],
  ["404 and JSON", always(404, "application/json", '{"detail":"Not Found"}')],
  ["another text", always(200, "text/plain", "OK")],
])("what answers with %s is no MLflow server", async (_what, answer) => {
  const address = await serve(answer);
  const ran = await mlferry(["ls", address], { cwd: tempFolder() });
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toContain(`error: ${address} is not an MLflow server\nhint: give the address of the tracking server`);
});

test.each([401, 403])("a login that is refused with %i exits with 5, and appears nowhere", async (status) => {
  const address = await serve((request, response) => {
    // An unkind server that repeats what it was sent.
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ error_code: "PERMISSION_DENIED", message: `no: ${request.headers.authorization ?? ""}` }));
  });
  const cwd = tempFolder();
  for (const env of [{ MLFLOW_TRACKING_TOKEN: SECRET }, { MLFLOW_TRACKING_USERNAME: "ada", MLFLOW_TRACKING_PASSWORD: SECRET }]) {
    const ran = await mlferry(["ls", address, "--json", "--verbose", "--log-file", "log"], { cwd, env });
    expect(ran.code).toBe(5);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: "NOT_AUTHORISED", exitCode: 5 } });
    expect(ran.stdout + ran.stderr + readFileSync(join(cwd, "log"), "utf8")).not.toMatch(/s3cr3t|czNjcjN0/);
  }
});

test("each side has its own login where one is given, and MLflow's else", async () => {
  const cwd = tempFolder();
  await writeBundle(join(cwd, "b.tar"));
  const seen: (string | undefined)[] = [];
  const address = await serve((request, response) => {
    seen.push(request.headers.authorization);
    always(401, "application/json", "{}")(request, response);
  });
  const env = { MLFLOW_TRACKING_TOKEN: "common", MLFERRY_TARGET_TRACKING_USERNAME: "ada", MLFERRY_TARGET_TRACKING_PASSWORD: "pass:word" };
  await mlferry(["ls", address], { cwd, env });
  await mlferry(["import", "b.tar", address], { cwd, env });
  expect(seen).toEqual(["Bearer common", `Basic ${Buffer.from("ada:pass:word").toString("base64")}`]);
});

test("exports from a server, and the log and the bundle hold no credential", async () => {
  const cwd = tempFolder();
  const address = await serve(outlineServer());
  const env = { MLFLOW_TRACKING_TOKEN: SECRET };
  const ran = await mlferry(["export", address, "-o", "b.tar", "--log-file", "log", "--verbose"], { cwd, env });
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain(`all 5 objects from ${address} are at ${join(cwd, "b.tar")} after`);
  expect(ran.stdout).toMatch(/requests to 127\.0\.0\.1:\d+ +\d+, 4 at a time\n/);
  for (const file of ["log", "b.tar", "state/mlferry/journal.sqlite"])
    expect(readFileSync(join(cwd, file), "latin1")).not.toContain(SECRET);
  expect((await mlferry(["verify", address, "b.tar", "--level", "bytes"], { cwd, env })).stdout).toContain("no differences");
});

test("the first Ctrl-C finishes what has begun and tells the command that continues; that command finds it done", async () => {
  const cwd = tempFolder();
  let interrupt = (): void => undefined;
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const address = await serve(
    outlineServer(() => {
      interrupt();
      return held;
    }),
  );
  const args = ["export", address, "-o", "my bundle.tar", "--concurrency", "1"];
  const ran = await mlferry(args, {
    cwd,
    onStart: (child) => (interrupt = () => void child.kill("SIGINT")),
    onOutput: (_child, text) => {
      if (text.includes("stopping:")) release();
    },
  });
  expect(ran).toMatchObject({ code: 130, stdout: "" });
  expect(ran.stderr).toContain("stopping: what has begun is being finished (press Ctrl-C again to stop at once)\n");
  expect(ran.stderr).toMatch(/stopped: \d objects? at the target, not to be moved again; mlferry resume [0-9a-f]{8} continues\n/);
  expect(ran.stderr).toContain(`error: interrupted\nhint: continue with: mlferry export ${address} -o 'my bundle.tar' --concurrency 1\n`);
  interrupt = () => undefined;
  const again = await mlferry(args, { cwd });
  expect(again.code).toBe(0);
  expect(again.stdout).toContain("all 5 objects from");
  expect(again.stdout).toContain("there already");
  expect((await mlferry(["verify", address, "my bundle.tar", "--level", "bytes"], { cwd })).code).toBe(0);
});

test("Ctrl-C before anything is written, and a second one at any time, stop at once", async () => {
  const cwd = tempFolder();
  let stop = (): void => undefined;
  const silent = await serve(() => stop());
  const early = await mlferry(["ls", silent], { cwd, onStart: (child) => (stop = () => void child.kill("SIGTERM")) });
  expect(early.code).toBe(130);
  expect(early.stderr).toContain(`hint: continue with: mlferry ls ${silent}\n`);

  let interrupt = (): void => undefined;
  const address = await serve(
    outlineServer(() => {
      interrupt();
      return new Promise(() => undefined);
    }),
  );
  const twice = await mlferry(["export", address, "-o", "b.tar"], {
    cwd,
    onStart: (child) => (interrupt = () => void child.kill("SIGINT")),
    onOutput: (child, text) => {
      // Sooner would count as the same press.
      if (text.includes("stopping:")) setTimeout(() => child.kill("SIGINT"), 500);
    },
  });
  expect(twice.code).toBe(130);
  expect(twice.stdout).toBe("");
});
