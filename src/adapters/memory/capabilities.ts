// What a place in memory can hold: everything, unless it is told to be like a narrower place.
import { KINDS } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";

/** Every kind, without a limit and without a loss. */
export const memoryCapabilities: Capabilities = {
  place: "memory",
  kinds: new Set(KINDS),
  stages: true,
  versionNumbers: "chosen",
  creationTimes: "chosen",
  versionFiles: "any",
  infinities: true,
  names: {},
  tags: {},
};
