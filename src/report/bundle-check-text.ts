// The result of checking a bundle by itself, for people.
import { KINDS } from "../model/entities.ts";
import type { Kind } from "../model/entities.ts";
import { section } from "./list-text.ts";
import { bytesText, countOf, countText, kindPlural } from "./quantities.ts";
import { paint } from "./style.ts";
import type { Style } from "./style.ts";
import { shown } from "./table.ts";

export interface BundleCheckResult {
  readonly bundle: string;
  readonly problems: readonly { readonly member: string; readonly problem: string }[];
  readonly entities: Readonly<Record<Kind, number>>;
  readonly blobs: number;
  readonly sizeBytes: number;
  /** What the writer said that it could not carry. */
  readonly losses: number;
}

/** The lines of the result. */
export function bundleCheckText(result: BundleCheckResult, style: Style): string[] {
  const { bundle, problems, entities, blobs, sizeBytes, losses } = result;
  const rows = problems.map(({ member, problem }) => [shown(member), shown(problem)]);
  const held = KINDS.filter((kind) => entities[kind] > 0).map((kind) => `${kindPlural(kind)} ${countText(entities[kind])}`);
  const verdict = problems.length === 0 ? paint(style, "good", "no problems") : paint(style, "bad", countOf(problems.length, "problem"));
  return [
    ...section({ title: "problems", tone: "bad", rows, flexible: [0, 1] }, style),
    `${bundle}: ${[...held, countOf(blobs, "blob"), bytesText(sizeBytes)].join(", ")}`,
    ...(losses === 0
      ? []
      : [paint(style, "warning", `${countOf(losses, "loss", "losses")} from when it was written: mlferry plan names them`)]),
    verdict,
  ];
}
