// Lets each reading of a server be remembered, where the server does not tell how its versions came to their stages.
import { sightedSource } from "../journal/sighted-source.ts";
import { openSightings } from "../journal/sightings.ts";
import type { Source } from "../ports/source.ts";
import type { Location } from "./location.ts";

export interface WatchOptions {
  readonly location: Location;
  /** The state folder. */
  readonly dir: string;
  /** Epoch ms. */
  readonly now: number;
}

/** The source with what was seen of it; a bundle tells what was known when it was written. */
export function watched(source: Source, { location, dir, now }: WatchOptions): { readonly source: Source; readonly close: () => void } {
  if (location.place !== "databricks") return { source, close: () => undefined };
  const sightings = openSightings({ dir, origin: source.origin, now: BigInt(now) });
  return { source: sightedSource(source, sightings), close: () => sightings.close() };
}
