// Metric values as a target stores them.
import type { Capabilities } from "../ports/capabilities.ts";

/** What a target without infinities stores for a value (mlflow's SQL stores: ±1.7976931348623157e308). */
export function clamp(value: number, capabilities: Pick<Capabilities, "infinities">): number {
  if (capabilities.infinities || Number.isNaN(value) || Number.isFinite(value)) return value;
  return value > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE;
}
