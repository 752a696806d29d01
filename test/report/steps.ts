// Made-up steps, outcomes and findings for the tests of reports.
import type { Change, FileLoss, Outcome, Step } from "../../src/engine/change.ts";
import type { Entity, EntityKey } from "../../src/model/entities.ts";
import { alias, experiment, model, run, version } from "../engine/registry.ts";

export function step(source: Entity, fields: Partial<Step> = {}): Step {
  return { action: "create", source, entity: source, changes: [], mark: "0", stamp: "0", ...fields };
}

export function outcome(of: Step, fields: Partial<Outcome> = {}): Outcome {
  const placed = `${of.source.key}-there` as EntityKey;
  return { step: of, state: "done", placed, fileLosses: [], moved: { files: 0, bytes: 0 }, ...fields };
}

const created: Change = { field: "createdAt", class: "inherent", from: "1", to: "tag mlferry_created_at", rule: "the target sets its own" };
const unreadable: FileLoss = {
  path: "model/weights.bin",
  code: "ARTIFACT_UNREADABLE",
  reason: "server answered 404",
  permanent: false,
  agreed: false,
};

/** Steps with a change of every class, a refusal, and values that are no good on a terminal. */
export function sampleSteps(): Step[] {
  const home = experiment("1", { name: "training" });
  const work = run("a".repeat(32), { params: new Map([["query", "select\n1"]]), tags: new Map([["it's\u001b[31m red", "x".repeat(200)]]) });
  const churn = model("churn");
  const first = version("churn", 1, { stage: "Production" });
  const word = alias("churn", "prod", 1);
  return [
    step(home, {
      entity: { ...home, name: "from-dev/training" },
      changes: [
        { field: "name", class: "translated", from: "training", to: "from-dev/training", rule: "experiments[0]: * → from-dev/*" },
        created,
      ],
    }),
    step(work, {
      changes: [
        {
          field: "tags.it's\u001b[31m red",
          class: "lost",
          from: "x".repeat(200),
          rule: "a value longer than 100 characters",
          agreed: true,
        },
        { field: "params.query", class: "lost", from: "select\n1", rule: "a value with line ends" },
      ],
    }),
    step(churn, { action: "skip", changes: [created] }),
    step(first, {
      changes: [
        {
          field: "stage",
          class: "translated",
          from: "Production",
          to: "alias champion",
          rule: "default: stages.Production → alias champion",
        },
        created,
      ],
    }),
    step(word, {
      action: "refuse",
      entity: { ...word },
      refusal: { code: "NAME_ILLEGAL", message: "alias:churn/prod: the target does not allow the alias", hint: "rename it in the mapping" },
    }),
  ];
}

/** What became of {@link sampleSteps}: one object has lost a file, one failed, one is refused. */
export function sampleOutcomes(): Outcome[] {
  const [home, work, churn, first, word] = sampleSteps() as [Step, Step, Step, Step, Step];
  const partial = { code: "ARTIFACT_UNREADABLE", message: "1 of its files did not arrive" } as const;
  const failure = {
    code: "REQUEST_FAILED",
    message: "cannot write model-version:churn/1: server answered 500",
    hint: "see the server's log",
  } as const;
  return [
    outcome(home),
    outcome(work, { state: "partial", error: partial, fileLosses: [unreadable], moved: { files: 12, bytes: 3_500_000 } }),
    outcome(churn, { state: "skipped" }),
    outcome(first, { state: "failed", error: failure }),
    outcome(word, { state: "refused", error: word.refusal ?? failure }),
  ];
}
