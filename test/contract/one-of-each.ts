// One small object of each kind, for tests that are not about awkward values.
import { alias, experiment, loggedModel, point, registeredModel, run, tags, versionOf } from "./builders.ts";
import type { Item } from "./item.ts";

/** One small object of each kind; `all` is in order. */
export function oneOfEach(scope: string): Items {
  const home = experiment(`${scope}-home`, { tags: tags({ a: "1" }) });
  const made = run(
    `${scope}-run`,
    home,
    { params: tags({ p: "1" }) },
    { points: [point("m", 1), point("m", 2, 1)], files: { "model/MLmodel": "x" } },
  );
  const logged = loggedModel(`${scope}-logged`, home, { sourceRun: made.entity.key }, { MLmodel: "y" });
  const model = registeredModel(`${scope}-model`, { description: "first" });
  const first = versionOf(made, 1, model);
  const second = versionOf(made, 2, model);
  const champion = alias("champion", first);
  return { home, made, logged, model, first, second, champion, all: [home, made, logged, model, first, second, champion] };
}

export interface Items {
  readonly home: ReturnType<typeof experiment>;
  readonly made: ReturnType<typeof run>;
  readonly logged: ReturnType<typeof loggedModel>;
  readonly model: ReturnType<typeof registeredModel>;
  readonly first: ReturnType<typeof versionOf>;
  readonly second: ReturnType<typeof versionOf>;
  readonly champion: ReturnType<typeof alias>;
  readonly all: readonly Item[];
}
