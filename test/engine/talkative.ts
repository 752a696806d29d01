// A registry whose versions have a past, and whatever else can hang on models and versions.
import { createMemory } from "../../src/adapters/memory/memory.ts";
import type { MemoryPlace } from "../../src/adapters/memory/memory.ts";
import { comment, experiment, permission, registeredModel, request, tags, transition, version, webhook } from "../contract/builders.ts";
import { ORIGIN } from "./registry.ts";

const ADA = [{ kind: "user", name: "ada", level: "CAN_MANAGE" }] as const;

/** Two models of which one has a past, and whatever can hang on them. */
export function talkative(): MemoryPlace {
  const source = createMemory({ origin: ORIGIN, newIds: false });
  const home = experiment("home", { tags: tags({ team: "risk" }) });
  const churn = registeredModel("churn");
  const quiet = registeredModel("quiet");
  const two = version(2, churn, { files: { owner: "own" }, stage: "Production", history: { state: "complete" } }, { MLmodel: "x" });
  const three = version(3, churn, { files: { owner: "own" } }, { MLmodel: "y" });
  const one = version(1, quiet, { files: { owner: "own" } }, { MLmodel: "z" });
  const items = [
    ...[home, churn, quiet, two, three, one],
    transition(2, two, { from: "Staging", to: "Production", comment: "ship it" }),
    transition(1, two, { from: "None", to: "Staging" }),
    ...[comment(1, two, { text: "wow\nsuch model" }), comment(2, two), comment(1, three, { updatedAt: 1_600_000_009_000n })],
    request(1, three),
    ...[permission(churn, ADA), permission(home, ADA), permission("registry", [{ kind: "group", name: "users", level: "CAN_READ" }])],
    ...[webhook("churn-ci", churn), webhook("all", undefined, { target: { jobId: "12" } })],
  ];
  for (const { entity, files } of items) source.load(entity, files === undefined ? {} : { files });
  return source;
}
