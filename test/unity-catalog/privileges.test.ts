// What a refusal of Unity Catalog is told to lack.
import { expect, it } from "vitest";
import { missingPrivilege } from "../../src/adapters/unity-catalog/privileges.ts";
import type { RefusedCall } from "../../src/http/client.ts";

const U = "/api/2.0/mlflow/unity-catalog";
const USES = "GRANT USE CATALOG ON CATALOG main TO `…`; GRANT USE SCHEMA ON SCHEMA main.ml TO `…`";
const body = JSON.stringify({ tags: [{ key: "a", value: '"name": "b"' }], name: "main.ml.fraud" });
const query = [["name", "main.ml.fraud"]] as const;

function hint(call: Partial<RefusedCall>): string | undefined {
  return missingPrivilege({ method: "POST", path: `${U}/registered-models/create`, says: "no", ...call });
}

it.each<[string, Partial<RefusedCall>]>([
  ["CREATE MODEL ON SCHEMA main.ml", { body }],
  ["CREATE MODEL VERSION ON FUNCTION main.ml.fraud", { path: `${U}/model-versions/create`, body }],
  ["CREATE MODEL VERSION ON FUNCTION main.ml.fraud", { path: `${U}/model-versions/finalize`, body }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { method: "GET", path: `${U}/model-versions/get`, query }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { method: "GET", path: `${U}/model-versions/search`, query: [["filter", "name='main.ml.fraud'"]] }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { method: "GET", path: `${U}/registered-models/alias`, query }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { path: `${U}/model-versions/generate-temporary-credentials`, body }],
  [
    "CREATE MODEL VERSION ON FUNCTION main.ml.fraud",
    {
      path: `${U}/model-versions/generate-temporary-credentials`,
      body: JSON.stringify({ name: "main.ml.fraud", operation: "MODEL_VERSION_OPERATION_READ_WRITE" }),
    },
  ],
  ["APPLY TAG ON FUNCTION main.ml.fraud", { path: `${U}/model-versions/set-tag`, body }],
  ["MANAGE ON FUNCTION main.ml.fraud", { path: `${U}/registered-models/alias`, body }],
  ["MANAGE ON FUNCTION main.ml.fraud", { method: "DELETE", path: `${U}/model-versions/delete`, body }],
  ["CREATE MODEL VERSION ON FUNCTION main.ml.fraud", { method: "PUT", path: "/api/2.0/fs/files/Models/main/ml/fraud/1/model/MLmodel" }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { method: "GET", path: "/api/2.0/fs/directories/Models/main/ml/fraud/1/" }],
  ["EXECUTE ON FUNCTION main.ml.fraud", { path: "/api/2.0/fs/create-download-url", query: [["path", "/Models/main/ml/fraud/1/100%"]] }],
  [
    "CREATE MODEL VERSION ON FUNCTION main.ml.fraud",
    { path: "/api/2.0/fs/create-upload-url", body: JSON.stringify({ path: "/Models/main/ml/fraud/1/a" }) },
  ],
])("all that a call takes ends with %s", (own, call) => {
  expect(hint(call)).toMatch(/^it takes the .*, with the use of catalog and schema: /);
  expect(hint(call)?.split("schema: ")[1]).toBe(`${USES}; GRANT ${own} TO \`…\``);
});

it("the owner of a model needs no more to change it", () => {
  expect(hint({ path: `${U}/model-versions/create`, body })).toContain("it takes the owner of the model, or CREATE MODEL VERSION, with");
});

it.each([
  ["User does not have USE SCHEMA on Schema 'main.ml'.", "GRANT USE SCHEMA ON SCHEMA main.ml TO `…`"],
  ["User does not have EXECUTE on Routine or Model 'main.ml.fraud'.", "GRANT EXECUTE ON FUNCTION main.ml.fraud TO `…`"],
  ["User does not have USE CATALOG on Catalog 'old-prod'.", "GRANT USE CATALOG ON CATALOG `old-prod` TO `…`"],
])("what the server says is missing is all that is told: %s", (says, statement) => {
  expect(hint({ says, body })).toBe(`an owner or an administrator can give it: ${statement}`);
});

it.each([
  { method: "GET", path: "/api/2.0/mlflow/runs/get" },
  { method: "GET", path: `${U}/registered-models/search` },
  { path: "/api/2.0/fs/create-download-url", query: [["path", "/Volumes/a/b/c"]] as const },
])("of a call that names no model nothing is known: %j", (call) => expect(hint(call)).toBeUndefined());
