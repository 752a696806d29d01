// Small made-up registries with the values that get lost on the way elsewhere: one per subject, in dependency order.
import { KINDS } from "../../src/model/entities.ts";
import type { MetricPoint, RunStatus } from "../../src/model/entities.ts";
import type { Capabilities } from "../../src/ports/capabilities.ts";
import { idOf } from "../../src/model/keys.ts";
import {
  alias,
  comment,
  experiment,
  idFor,
  loggedModel,
  loggedModelKey,
  LONG_AGO,
  permission,
  point,
  registeredModel,
  request,
  run,
  runKey,
  tags,
  transition,
  version,
  versionOf,
  webhook,
} from "./builders.ts";
import type { Item } from "./item.ts";

export type Sample = (scope: string) => readonly Item[];

const AWKWARD_TAGS = {
  empty: "",
  lines: "one\ntwo\r\n\tthree ",
  quotes: `it's "both"`,
  unicode: "naïve 模型 🙂",
  json: '{"a": [1, null]}',
  "mlflow.note.content": "# A description\n\nwith *markdown*",
  "team/owner": "data science",
  long: "x".repeat(900),
};

/** Every subject; names and ids are the scope's own, so that samples can share a place. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  "an experiment with awkward tags": (scope) => [experiment(`${scope} 実験 ü`, { tags: tags(AWKWARD_TAGS) })],
  "runs of every status": (scope) => {
    const home = experiment(`${scope}-statuses`);
    const statuses: RunStatus[] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
    return [home, ...statuses.map((status) => run(`${scope}-${status}`, home, { status }))];
  },
  "a run that has not ended": (scope) => {
    const home = experiment(`${scope}-unfinished`);
    const whole = run(`${scope}-unfinished`, home, { status: "RUNNING" });
    const { endTime: _none, ...entity } = whole.entity;
    return [home, { ...whole, entity }];
  },
  "a run with awkward tags and a Unicode name": (scope) => {
    const home = experiment(`${scope}-tags`);
    return [home, { ...run(`${scope}-tags`, home, { name: "naïve 模型 🙂", user: "ünal", tags: tags(AWKWARD_TAGS) }) }];
  },
  "a run with 250 params": (scope) => {
    const home = experiment(`${scope}-params`);
    const many = Array.from({ length: 247 }, (_, i) => [`p${i}/rate.x y`, String(i)] as const);
    const params = new Map([...many, ["empty", ""], ["lines", "one\ntwo"], ["größe", "5000".repeat(250)]]);
    return [home, run(`${scope}-params`, home, { params })];
  },
  "a run with awkward metrics": (scope) => {
    const home = experiment(`${scope}-metrics`);
    return [home, run(`${scope}-metrics`, home, {}, { points: awkwardPoints() })];
  },
  "a run with a long history": (scope) => {
    const home = experiment(`${scope}-history`);
    const points = Array.from({ length: 2500 }, (_, i) => point(`loss/${i % 3}`, 1 / (i + 1), i, LONG_AGO + BigInt(i)));
    return [home, run(`${scope}-history`, home, {}, { points })];
  },
  "a run with datasets": (scope) => {
    const home = experiment(`${scope}-datasets`);
    const profile = JSON.stringify({ rows: 1000, text: "ü".repeat(20_000) });
    const first = { name: "iris", digest: "d1", sourceType: "http", source: "https://example.org/iris", schema: '{"a":"long"}', profile };
    const second = { name: "iris", digest: "d2", sourceType: "code", source: "{}" };
    const datasets = [
      { ...first, tags: tags({ "mlflow.data.context": "training" }) },
      { ...second, tags: tags({}) },
    ];
    return [home, run(`${scope}-datasets`, home, { datasets })];
  },
  "nested runs": (scope) => {
    const home = experiment(`${scope}-nested`);
    const top = run(`${scope}-top`, home);
    const middle = run(`${scope}-middle`, home, {}, { parent: top.entity.key });
    return [home, top, middle, run(`${scope}-leaf`, home, {}, { parent: middle.entity.key })];
  },
  "a run that names itself in a tag": (scope) => {
    const home = experiment(`${scope}-self`);
    const name = `${scope}-self`;
    const history = JSON.stringify([{ run_id: idFor(name), artifact_path: "model" }]);
    return [home, run(name, home, { tags: tags({ "mlflow.log-model.history": history }), mayReference: [runKey(name)] })];
  },
  "files with odd names": (scope) => {
    const home = experiment(`${scope}-files`);
    return [home, run(`${scope}-files`, home, {}, { files: oddFiles() })];
  },
  "a logged model of a run": loggedModelSample,
  "logged models of every status": (scope) => {
    const home = experiment(`${scope}-lm-statuses`);
    return [home, ...(["PENDING", "READY", "UPLOAD_FAILED"] as const).map((status) => loggedModel(`${scope}-${status}`, home, { status }))];
  },
  "registered models with and without a description": (scope) => [
    registeredModel(`${scope}-described`, { description: "für alle\n\n*models*", tags: tags(AWKWARD_TAGS) }),
    registeredModel(`${scope}-模型`),
  ],
  "versions with gaps, stages and aliases": versionsSample,
  "a version of a logged model": (scope) => {
    const home = experiment(`${scope}-lm-version`);
    const made = loggedModel(`${scope}-lm-version`, home, {}, { MLmodel: "flavors: {}", "data/model.pkl": "pickle" });
    const model = registeredModel(`${scope}-lm-version`);
    return [home, made, model, version(1, model, { files: { owner: "logged-model", key: made.entity.key, path: "" } })];
  },
  "a promoted version": (scope) => {
    const home = experiment(`${scope}-promoted`);
    const made = run(`${scope}-promoted`, home, {}, { files: { "model/MLmodel": "flavors: {}" } });
    const dev = registeredModel(`${scope}-dev`);
    const prod = registeredModel(`${scope}-prod`);
    // The lower number points to the higher one: ascending numbers alone would be the wrong order.
    const tried = versionOf(made, 3, dev);
    const good = versionOf(made, 5, dev);
    const promoted = version(1, prod, { files: { owner: "version", key: good.entity.key }, run: made.entity.key });
    return [home, made, dev, prod, tried, good, promoted];
  },
  "a version with files of its own": (scope) => {
    const model = registeredModel(`${scope}-own`);
    return [
      model,
      version(1, model, { files: { owner: "own" } }, { MLmodel: "flavors: {}", "data/weights.bin": binary(100_000), empty: "" }),
    ];
  },
};

/** What only some places have: see isHeld. */
export const PARTS: Readonly<Record<string, Sample>> = {
  "the past of a version": (scope) => {
    const model = registeredModel(`${scope}-past`);
    const one = version(1, model, { files: { owner: "own" }, stage: "Production" }, { MLmodel: "flavors: {}" });
    const two = version(2, model, { files: { owner: "own" } }, { MLmodel: "flavors: {}" });
    return [
      ...[model, one, two, transition(1, one), transition(2, one, { from: "Staging", to: "Production", comment: 'it\'s "good"\n模型 🙂' })],
      ...[
        transition(10, one, { from: "Production", to: "Archived", bySystem: true }),
        transition(3, one, { from: "Archived", to: "Production" }),
      ],
      ...[comment(1, one, { text: "x".repeat(2500), updatedAt: LONG_AGO + 1n }), comment(2, one, { text: "" }), comment(1, two)],
      request(1, two, { comment: "please" }),
    ];
  },
  "permissions and webhooks": (scope) => {
    const home = experiment(`${scope}-guarded`);
    const model = registeredModel(`${scope}-guarded`);
    const hook = { events: ["COMMENT_CREATED", "MODEL_VERSION_CREATED"], description: "ci", status: "DISABLED" } as const;
    return [
      ...[home, model],
      permission(home, [{ kind: "user", name: "ada@example.org", level: "CAN_EDIT" }]),
      permission(model, [
        { kind: "group", name: "data science", level: "CAN_READ" },
        { kind: "service-principal", name: "0b6c-11", level: "CAN_MANAGE" },
      ]),
      webhook(`${scope}-model`, model, hook),
      webhook(`${scope}-job`, model, { target: { jobId: "7", workspaceUrl: "https://jobs.example.org" }, status: "TEST_MODE" }),
    ];
  },
};

/** Points whose value, step or time something on the way is likely to change. */
export function awkwardPoints(): MetricPoint[] {
  return [
    point("nan", NaN),
    point("infinite", Infinity),
    point("minus infinite", -Infinity),
    point("tiny", 5e-324),
    point("huge", Number.MAX_VALUE),
    point("third", 1 / 3),
    point("steps", 1, -5n),
    point("steps", 2, 2n ** 62n),
    point("steps", 3, 2n ** 53n + 1n),
    point("late", 1, 0, 2n ** 53n + 1n),
    point("same step", 1, 7, LONG_AGO),
    point("same step", 2, 7, LONG_AGO + 1n),
    point("größe/π 100", 3.14),
  ];
}

/** Files whose name, size or content something on the way is likely to change. */
export function oddFiles(): Record<string, Uint8Array | string> {
  return {
    empty: "",
    "one byte": "x",
    "deep/er/and/deeper/file.txt": "deep",
    "ünïcode/模型.bin": binary(200_000),
    "100% sure + more & co.txt": "percent",
    "a#b?c=d.txt": "hash",
    "-rf": "looks like a flag",
    ".hidden": "dot",
    'quote\'d "twice"': "quotes",
    "back\\slash": "no folder",
    "line\nbreak": "two lines",
  };
}

/** Whether a place has objects of an item's kind, or keeps them as notes. Others it refuses, as told in its capabilities. */
export function isHeld({ kinds, notes }: Pick<Capabilities, "kinds" | "notes">): (item: Item) => boolean {
  return ({ entity: { kind } }) => kinds.has(kind) || notes?.has(kind) === true;
}

/** The entities of samples, in the order in which a source would yield them. */
export function registryOf(scope: string, samples: readonly Sample[] = Object.values(SAMPLES)): readonly Item[] {
  const items = samples.flatMap((sample) => sample(scope));
  return KINDS.flatMap((kind) => items.filter((item) => item.entity.kind === kind));
}

function loggedModelSample(scope: string): readonly Item[] {
  const home = experiment(`${scope}-lm`);
  const key = loggedModelKey(`${scope}-lm`);
  // The run is put before the model that its tag names: a link sets the reference afterwards.
  const history = JSON.stringify([{ model_uuid: idOf(key), artifact_path: "model" }]);
  // A metric of a logged model is one of the run that measured it.
  const measured = point("accuracy", 0.9, 3);
  const late = { tags: tags({ "mlflow.log-model.history": history }), mayReference: [key] };
  const maker = run(`${scope}-maker`, home, late, { points: [measured] });
  const user = run(`${scope}-user`, home);
  const metric = { ...measured, run: maker.entity.key };
  const fields = {
    modelType: "agent",
    sourceRun: maker.entity.key,
    params: tags({ depth: "3", empty: "" }),
    tags: tags({ lines: "one\ntwo", unicode: "模型" }),
    metrics: [metric],
    outputOf: [{ run: maker.entity.key, step: 2n }],
    inputOf: [user.entity.key],
  };
  return [home, maker, user, loggedModel(`${scope}-lm`, home, fields, { MLmodel: "flavors: {}", "data/empty": "" })];
}

function versionsSample(scope: string): readonly Item[] {
  const home = experiment(`${scope}-versions`);
  const made = run(
    `${scope}-versions`,
    home,
    {},
    { files: { "model/MLmodel": "flavors: {}", "model/data/m.pkl": "pickle", other: "not the model's" } },
  );
  const model = registeredModel(`${scope}-versions`);
  const first = versionOf(made, 2, model, { stage: "Archived", description: "zwei\nzeilen", tags: tags(AWKWARD_TAGS) });
  const second = versionOf(made, 5, model, { stage: "Production", runLink: "https://example.org/run" });
  const third = versionOf(made, 11, model, { stage: "Staging" });
  return [home, made, model, first, second, third, alias("champion", second), alias("challenger_2", third), alias("also-champion", second)];
}

function binary(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8)) % 256);
}
