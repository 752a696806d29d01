// The flags that the comparisons share.
import { parseArgs } from "node:util";
import { DEFAULT_SHAPE } from "./fill.ts";
import type { Shape } from "./fill.ts";

export interface BenchOptions {
  readonly shape: Shape;
  readonly repeat: number;
  readonly latencyMs: number;
  /** How often the peer is measured; 0 with `--no-peer`. */
  readonly peerRepeat: number;
  /** First of the ports to listen on; undefined: free ones. */
  readonly port: number | undefined;
  /** A part of the names of the scenes that are wanted; undefined: all. */
  readonly only: string | undefined;
  /** Size of the large file. */
  readonly mib: number;
}

export const USAGE = `  --runs N         runs in the registry (default ${DEFAULT_SHAPE.runs})
  --repeat N       measurements of each program, of which the median counts (default 3)
  --latency MS     added to each request (default 20)
  --peer-repeat N  measurements of mlflow-export-import, which take minutes (export; default 1)
  --no-peer        leave mlflow-export-import out (export)
  --mib N          size of the large file in MiB (memory; default 5120)
  --only TEXT      only scenes with this in their name (pacing)
  --port N         listen on this port and the next ones (default: free ones)`;

/** Parses the flags; throws with the usage on an unknown one or a bad number. */
export function benchOptions(args: readonly string[]): BenchOptions {
  const text = { type: "string" } as const;
  const options = {
    runs: text,
    repeat: text,
    latency: text,
    mib: text,
    port: text,
    only: text,
    "peer-repeat": text,
    "no-peer": { type: "boolean" },
  } as const;
  const { values } = parsed(() => parseArgs({ args: [...args], options }));
  return {
    shape: { ...DEFAULT_SHAPE, runs: numberOf(values.runs, DEFAULT_SHAPE.runs) },
    repeat: numberOf(values.repeat, 3),
    latencyMs: numberOf(values.latency, 20),
    mib: numberOf(values.mib, 5120),
    peerRepeat: values["no-peer"] === true ? 0 : numberOf(values["peer-repeat"], 1),
    only: values.only,
    port: values.port === undefined ? undefined : numberOf(values.port, 0),
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, { cause });
  }
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d+$/.test(text)) throw new Error(`${text} is no whole number\n${USAGE}`);
  return Number(text);
}
