// Reads a plan whole and checks it before anything is done by it: a file that is cut short, altered or of another kind is refused.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { z } from "zod";
import { asMigrationError, MigrationError } from "../errors.ts";
import type { EntityKey } from "../model/entities.ts";
import { footerSchema, headerSchema, PLAN_BEGIN, PLAN_VERSION, stepSchema } from "./format.ts";
import type { PlanHeader, PlanLine } from "./format.ts";

/** A plan as it was saved, and whole. */
export interface PlanFile {
  readonly header: PlanHeader;
  readonly steps: Map<EntityKey, PlanLine>;
}

/** Reads the plan. Throws NOT_FOUND, DISK, PLAN_INVALID for what is none or is damaged, and STALE_PLAN for one of another format. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  const steps = new Map<EntityKey, PlanLine>();
  const hash = createHash("sha256");
  let header: PlanHeader | undefined;
  let footer: z.infer<typeof footerSchema> | undefined;
  let line = 0;
  for await (const bytes of linesOf(path)) {
    line += 1;
    if (footer !== undefined) throw damaged(path, "there is more after its end");
    const text = bytes.toString("utf8");
    if (header === undefined) header = parseHeader(path, text);
    else if (text.startsWith('{"steps":')) footer = parsed(footerSchema, text);
    else addStep(steps, parsed(stepSchema, text), { path, line });
    if (footer === undefined) hash.update(bytes).update("\n");
  }
  if (header === undefined) throw notAPlan(path);
  if (footer === undefined) throw damaged(path, `it ends after ${String(steps.size)} steps, without its last line`);
  if (footer.steps !== steps.size || footer.sha256 !== hash.digest("hex")) throw damaged(path, "it was altered after it was written");
  return { header, steps };
}

/** Whether a file of this name is a plan, so that another may take its place. */
export async function isPlanFile(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: PLAN_BEGIN.length - 1 })) return String(chunk) === PLAN_BEGIN;
  return false;
}

function addStep(steps: Map<EntityKey, PlanLine>, step: PlanLine | undefined, { path, line }: { path: string; line: number }): void {
  if (step === undefined) throw damaged(path, `line ${String(line)} is no step`);
  if (steps.has(step.key)) throw damaged(path, `line ${String(line)} has ${step.key} for the second time`);
  steps.set(step.key, step);
}

function parseHeader(path: string, text: string): PlanHeader {
  if (!text.startsWith(PLAN_BEGIN)) throw notAPlan(path);
  const version = /^\d+/.exec(text.slice(PLAN_BEGIN.length))?.[0];
  if (version !== undefined && version !== String(PLAN_VERSION)) {
    throw new MigrationError("STALE_PLAN", `${path} is of plan format ${version}, and this mlferry knows ${String(PLAN_VERSION)}`, {
      hint: "apply it with the mlferry that made it, or make a new one: mlferry plan SRC DST --out FILE",
    });
  }
  const header = parsed(headerSchema, text);
  if (header === undefined) throw damaged(path, "its first line is not that of a plan");
  return header;
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    // What is no JSON is no line of a plan: the caller tells which.
    return undefined;
  }
}

/** The lines as bytes, without their ends; what comes after the last line feed is a line that was cut off. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  let isFirst = true;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      if (isFirst && !chunk.toString("latin1").startsWith(PLAN_BEGIN)) throw notAPlan(path);
      isFirst = false;
      rest = Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED, from)) {
        yield rest.subarray(from, end);
        from = end + 1;
      }
      rest = rest.subarray(from);
    }
  } catch (thrown) {
    throw readError(path, thrown);
  }
  if (rest.length > 0) throw damaged(path, "its last line is cut off");
}

const LINE_FEED = 0x0a;

function readError(path: string, thrown: unknown): MigrationError {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (code === "ENOENT") return new MigrationError("NOT_FOUND", `there is no plan ${path}`, { cause: thrown, hint: "check the path" });
  if (code === "EISDIR") return notAPlan(path, "it is a folder");
  return asMigrationError(thrown);
}

function notAPlan(path: string, why?: string): MigrationError {
  return new MigrationError("PLAN_INVALID", `${path} is no plan${why === undefined ? "" : `: ${why}`}`, {
    hint: "plans are made by: mlferry plan SRC DST --out FILE",
  });
}

function damaged(path: string, what: string): MigrationError {
  return new MigrationError("PLAN_INVALID", `the plan ${path} is damaged: ${what}`, {
    hint: "nothing was written; make a new one: mlferry plan SRC DST --out FILE",
  });
}
