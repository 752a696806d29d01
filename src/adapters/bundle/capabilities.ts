// What a bundle can hold: everything, as it stands at the source.
import { KINDS } from "../../model/entities.ts";
import type { Capabilities } from "../../ports/capabilities.ts";
import { FORMAT_VERSION } from "./layout.ts";
import { FILE_PATH } from "./records.ts";

export function bundleCapabilities(): Capabilities {
  return {
    place: `bundle (format ${FORMAT_VERSION})`,
    kinds: new Set(KINDS),
    stages: true,
    versionNumbers: "kept",
    creationTimes: "chosen",
    versionFiles: "any",
    versionModels: true,
    infinities: true,
    names: {},
    tags: {},
    filePathRefuses: {
      pattern: new RegExp(`^(?!${FILE_PATH.source.replace(/^\^/, "")})[\\s\\S]*$`, "u"),
      wording: "a path in a bundle is relative and has no empty, . or .. parts",
    },
  };
}
