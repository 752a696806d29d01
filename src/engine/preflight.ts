// Everything about names that must be known before the first write: what is selected, what its names become, whether they are free.
import { MigrationError } from "../errors.ts";
import type { Entity, EntityKey, Experiment, RegisteredModel } from "../model/entities.ts";
import type { NameRule } from "../ports/capabilities.ts";
import type { Check } from "../ports/checks.ts";
import type { Catalogue } from "../ports/source.ts";
import type { PreflightOptions } from "../ports/target.ts";
import { experimentName } from "./experiment-names.ts";
import { createPlacements, type Job, type Placements, provenanceOf } from "./job.ts";
import { createReconciler } from "./reconcile.ts";
import { concurrently, fromList } from "./schedule.ts";
import { sharesTracking, withoutTracked, withTrackedInPlace } from "./same-tracking.ts";

/** A job whose names have been checked: ready to be planned, executed or verified. */
export interface Prepared {
  readonly job: Job;
  readonly catalogue: Catalogue;
  /** Mapped names of the experiments, by the source's keys. */
  readonly containers: ReadonlyMap<EntityKey, string>;
  readonly placements: Placements;
}

/**
 * Selects at the source and maps the names. Throws NOTHING_SELECTED, FILTER_INVALID, MAPPING_COLLISION, NAME_ILLEGAL, or NOT_SUPPORTED
 * where the target cannot give version numbers anew; writes nothing. `names: "leave"`: wrong names are somebody else's to tell
 * (preflight-names.ts).
 */
export async function prepare(job: Job, { names = "refuse" }: { readonly names?: "refuse" | "leave" } = {}): Promise<Prepared> {
  refuseCompacting(job);
  const shared = sharesTracking(job);
  const selected = await job.source.select(job.selection, job.signal);
  const catalogue = shared ? withoutTracked(selected) : selected;
  job.onEvent({ type: "selected", catalogue });
  const experiments = mapNames(catalogue.experiments, job);
  const models = mapNames(catalogue.models, job);
  if (names === "refuse") refuseNames(experiments, models, job);
  const containers = new Map(experiments.map(({ source, name }) => [source.key, name]));
  const placements = createPlacements();
  return { job, catalogue, containers, placements: shared ? withTrackedInPlace(placements) : placements };
}

/** Throws what the target says would stop the job, such as a schema that is missing. Writes nothing. */
export async function refuseUnready(prepared: Prepared): Promise<void> {
  for await (const check of targetChecks(prepared, { thorough: false })) {
    if (check.state !== "fail") continue;
    const hint = check.hint === undefined ? {} : { hint: check.hint };
    throw new MigrationError(check.code ?? "NOT_FOUND", `the target is not ready: ${check.says}`, { side: "target", ...hint });
  }
}

/** What the target says of itself, asked with the names that objects are to have there. */
export async function* targetChecks(
  { job, catalogue, containers }: Prepared,
  { thorough }: Pick<PreflightOptions, "thorough">,
): AsyncGenerator<Check> {
  const models = mapNames(catalogue.models, job).map(({ name }) => name);
  yield* job.target.preflight?.({ experiments: [...containers.values()], models }, { thorough, signal: job.signal }) ?? [];
}

/** Throws NAME_TAKEN when the target holds a registered model of a mapped name that did not come from this source. Writes nothing. */
export async function refuseForeignModels(prepared: Prepared): Promise<void> {
  for await (const { model, name } of foreignModels(prepared)) {
    throw new MigrationError("NAME_TAKEN", `the target already holds another registered model named ${JSON.stringify(name)}`, {
      side: "target",
      key: model.key,
      hint: "give it another name with --rename-model FROM=TO or in the mapping file, or delete it at the target",
    });
  }
}

/** Models of a job whose names the target gives to models from elsewhere. */
export async function* foreignModels(prepared: Prepared): AsyncGenerator<{ readonly model: RegisteredModel; readonly name: string }> {
  const { job, catalogue, containers } = prepared;
  const reconciler = createReconciler({ capabilities: job.target.capabilities, mapping: job.mapping, onLoss: job.onLoss });
  const look = async (model: RegisteredModel) => {
    const journaled = job.journal.resuming ? await job.journal.last(model.key) : undefined;
    if (journaled?.state === "done") return [];
    const { entity } = reconciler.reconcile(model);
    const provenance = provenanceOf(model, entity, job, containers);
    const found = await job.target.find(entity, { provenance, signal: job.signal });
    return found === undefined || found.ours ? [] : [{ model, name: nameOf(entity) }];
  };
  for await (const foreign of concurrently(fromList(catalogue.models), job.inFlight, look)) yield* foreign;
}

function refuseNames(experiments: readonly Mapped[], models: readonly Mapped[], { target }: Job): void {
  const { names } = target.capabilities;
  refuseCollisions("experiments", experiments);
  refuseCollisions("models", models);
  refuseIllegal("experiment", experiments, names.experiment);
  refuseIllegal("registered model", models, names.registeredModel);
}

function refuseCompacting({ target, versionNumbers }: Job): void {
  if (versionNumbers !== "compact" || target.capabilities.versionNumbers !== "kept") return;
  throw new MigrationError("NOT_SUPPORTED", `${target.capabilities.place} keeps the version numbers of its source`, {
    side: "target",
    hint: "give them anew when it is imported: mlferry import BUNDLE DST --version-numbers compact",
  });
}

/** An object with the name that it is to have. */
export interface Mapped {
  readonly source: Experiment | RegisteredModel;
  readonly name: string;
}

/** The names that the objects are to have. */
export function mapNames(entities: readonly (Experiment | RegisteredModel)[], job: Job): Mapped[] {
  const naming = { mapping: job.mapping, capabilities: job.target.capabilities };
  return entities.map((source) => ({
    source,
    name: (source.kind === "experiment" ? experimentName(source, naming) : job.mapping.model(source.name)).name,
  }));
}

function refuseCollisions(what: string, mapped: readonly Mapped[]): void {
  const holders = new Map<string, Mapped>();
  for (const item of mapped) {
    const holder = holders.get(item.name);
    if (holder !== undefined) {
      const [a, b, to] = [holder.source.name, item.source.name, item.name].map((name) => JSON.stringify(name));
      throw new MigrationError("MAPPING_COLLISION", `${what} ${a} and ${b} would both become ${to}`, {
        hint: "change the mapping so that every name is used once; nothing was written",
      });
    }
    holders.set(item.name, item);
  }
}

function refuseIllegal(what: string, mapped: readonly Mapped[], rule: NameRule | undefined): void {
  if (rule === undefined) return;
  const illegal = mapped.filter((item) => !rule.pattern.test(item.name));
  const first = illegal[0];
  if (first === undefined) return;
  const more = illegal.length > 1 ? ` (and ${illegal.length - 1} more)` : "";
  throw new MigrationError(
    "NAME_ILLEGAL",
    `the target does not allow the ${what} name ${JSON.stringify(first.name)}${more}: ${rule.wording}`,
    {
      side: "target",
      key: first.source.key,
      hint: `rename it: --rename-${what === "experiment" ? "experiment" : "model"} FROM=TO, or a rule with * in the mapping file`,
    },
  );
}

function nameOf(entity: Entity): string {
  return "name" in entity ? entity.name : entity.key;
}
