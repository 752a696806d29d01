// What a plan says of privileges at a Unity Catalog, and that nobody is kept from trying.
import { expect, it } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { prepare } from "../../src/engine/preflight.ts";
import { targetFindings } from "../../src/engine/preflight-names.ts";
import type { Target } from "../../src/ports/target.ts";
import { job, model, runJob, version } from "../engine/registry.ts";
import type { State } from "../fakes/databricks/state.ts";
import { openCatalog } from "./place.ts";

/** The first user owns the schema; the token is another one's. */
const AS_ROBOT = { tokens: { theirs: "owner@example.com", token: "robot" }, groups: { team: ["robot"] }, rules: { emptyPages: true } };
const MAPPING = { models: [{ from: "*", to: "main.ml.*" }] };

function source() {
  const place = createMemory();
  place.load(model("churn"));
  place.load(version("churn", 1), { files: { MLmodel: "flavors: {}" } });
  return place;
}

function jobAt(target: Target) {
  return job(source(), target, { mapping: MAPPING, onLoss: "drop" });
}

async function found(target: Target): Promise<(readonly [string, string, string | undefined])[]> {
  const findings = await targetFindings(await prepare(jobAt(target)));
  return findings.map(({ code, message, hint }) => [code, message, hint]);
}

function give(state: State, securable: string, principal: string, ...privileges: string[]): void {
  state.grants.set(securable, new Map([[principal, new Set(privileges)]]));
}

it("names what is missing to make models, as the statements that give it", async () => {
  await using catalog = await openCatalog(AS_ROBOT);
  give(catalog.fake.state, "catalog/main", "account users", "USE_CATALOG");
  expect(await found(catalog.target)).toEqual([
    [
      "TARGET_CHECK",
      "privileges in main.ml: robot has no USE SCHEMA, no CREATE MODEL, nor has a group of theirs",
      "an owner or an administrator can give it: GRANT USE SCHEMA ON SCHEMA main.ml TO `…`; GRANT CREATE MODEL ON SCHEMA main.ml TO `…`",
    ],
  ]);
});

it.each<[string, (state: State) => void]>([
  ["a group", (state) => give(state, "schema/main.ml", "team", "USE_CATALOG", "USE_SCHEMA", "CREATE_MODEL")],
  ["the catalog", (state) => give(state, "catalog/main", "robot", "USE_CATALOG", "USE_SCHEMA", "CREATE_FUNCTION")],
  ["all privileges", (state) => give(state, "catalog/main", "robot", "ALL_PRIVILEGES")],
])("says nothing where they come by %s, and then models can be made", async (_by, grant) => {
  await using catalog = await openCatalog(AS_ROBOT);
  grant(catalog.fake.state);
  expect(await found(catalog.target)).toEqual([]);
  expect((await runJob(jobAt(catalog.target))).map(({ state }) => state)).toEqual(["done", "done"]);
});

it("names models of somebody else, to which no version can be added, and none that are one's own or a group's", async () => {
  await using catalog = await openCatalog(AS_ROBOT);
  const { state } = catalog.fake;
  give(state, "catalog/main", "robot", "USE_CATALOG", "USE_SCHEMA", "CREATE_MODEL");
  await runJob(jobAt(catalog.target));
  const made = state.catalog.get("main.ml.churn");
  if (made === undefined) throw new Error("nothing was made");
  expect(await found((await catalog.again()).target)).toEqual([]);
  made.owner = "team";
  expect(await found((await catalog.again()).target)).toEqual([]);
  made.owner = "owner@example.com";
  expect(await found((await catalog.again()).target)).toMatchObject([
    [
      "TARGET_CHECK",
      "model main.ml.churn: it is owned by owner@example.com, and robot may add no versions",
      expect.stringContaining("CREATE MODEL VERSION ON FUNCTION main.ml.churn"),
    ],
  ]);
  give(state, "function/main.ml.churn", "team", "CREATE_MODEL_VERSION");
  expect(await found((await catalog.again()).target)).toHaveLength(1);
  give(state, "function/main.ml.churn", "team", "CREATE_MODEL_VERSION", "APPLY_TAG");
  expect(await found((await catalog.again()).target)).toEqual([]);
});

it("a job finds out by itself: the first write is refused with what it takes", async () => {
  await using catalog = await openCatalog(AS_ROBOT);
  const [first] = await runJob(jobAt(catalog.target));
  expect(first?.error).toMatchObject({ code: "NOT_AUTHORISED" });
  expect(catalog.fake.requests.filter((route) => route.includes("effective-permissions"))).toEqual([]);
});
