// Examines an open-source Unity Catalog before a job: whether it answers to the login, and how much of it is visible.
import type { Examined, ExamineOptions } from "../../ports/checks.ts";
import type { Source } from "../../ports/source.ts";
import { tried } from "../mlflow/tried.ts";

/** Throws INTERRUPTED only. `open` is called once, and its place left open. Schemas are looked at by a plan, which knows them. */
export async function* examineUnityCatalogOss(
  open: () => Promise<Source>,
  { writeTest, signal }: Pick<ExamineOptions, "writeTest" | "signal">,
): AsyncGenerator<Examined> {
  let place: Source | undefined;
  yield* tried("catalog", async () => {
    place = await open();
    return { says: `an open-source Unity Catalog at ${place.uri}` };
  });
  if (place === undefined) return;
  const opened: Source = place;
  yield* tried("models", async () => {
    let count = 0;
    for await (const _model of opened.ask({ about: "names", kind: "registered-model" }, signal)) count += 1;
    return { says: `registered models that are visible: ${String(count)}` };
  });
  if (writeTest !== true) return;
  const says = "not tried: --write-test knows no schema to write to";
  yield { check: { name: "writing", state: "warn", says, hint: "mlferry plan looks at the schemas that models are to go to" } };
}
