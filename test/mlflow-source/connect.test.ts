// What a place that does not answer as an MLflow server is taken for.
import { expect, it } from "vitest";
import { connectMlflow } from "../../src/adapters/mlflow/connect.ts";
import type { MigrationError } from "../../src/errors.ts";
import { createPacer } from "../../src/http/pace.ts";
import { answer, serve } from "../http/scripted-server.ts";

const clock = { now: () => 0, wait: () => Promise.resolve() };

it.each([
  { what: "404", status: 404, code: "NOT_A_REGISTRY", message: /is not an MLflow server$/ },
  { what: "a refusal of the method", status: 405, code: "NOT_A_REGISTRY", message: /is not an MLflow server$/ },
  { what: "a defect of its own", status: 500, code: "REQUEST_FAILED", message: /^server answered 500 to GET .*\/version/ },
  { what: "a gateway's trouble", status: 502, code: "REQUEST_FAILED", message: /^server answered 502 to GET .*\/version/ },
  { what: "a login page", status: 302, code: "REQUEST_FAILED", message: /it redirects to https:\/\/login\.example\.org/ },
  { what: "a refused login", status: 401, code: "NOT_AUTHORISED", message: /^server answered 401/ },
])("a server that answers with $what is told as $code", async ({ status, code, message }) => {
  const { url } = await serve(answer(status, {}, status === 302 ? { location: "https://login.example.org/" } : {}));
  const options = { baseUrl: url, pacer: createPacer({ inFlight: 1 }), userAgent: "test", maxAttempts: 2, clock };
  const thrown = await connectMlflow(options, new AbortController().signal).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code });
  expect((thrown as MigrationError).message).toMatch(message);
});
