// What the open-source server can hold: models, versions, descriptions and files (v0.6.0, tried out). All else it drops in silence.
import type { Capabilities } from "../../ports/capabilities.ts";

export const ossCapabilities: Capabilities = {
  place: "open-source Unity Catalog",
  kinds: new Set(["registered-model", "model-version"]),
  stages: false,
  versionNumbers: "assigned",
  creationTimes: "assigned",
  versionFiles: "own-copy",
  runLinks: false,
  infinities: false,
  names: {
    registeredModel: {
      pattern: /^[\w@-]{1,255}(\.[\w@-]{1,255}){2}$/,
      wording: "catalog.schema.model, each part of letters, digits, _, @ and -, at most 255 long",
    },
  },
  tags: { "registered-model": { count: 0 }, "model-version": { count: 0 } },
  // 65,535 for a comment, of which mlferry's own line takes a part.
  descriptionChars: 30_000,
};

/** The same with runs at a tracking server, of which it says what that can hold. */
export function pairedCapabilities(server: Capabilities): Capabilities {
  const { notes: _notes, descriptionChars: _chars, versionModels: _models, ...tracking } = server;
  const { registeredModel: _name, alias: _alias, ...names } = server.names;
  const tracked = [...server.kinds].filter((kind) => kind === "experiment" || kind === "run" || kind === "logged-model");
  return {
    ...tracking,
    ...ossCapabilities,
    place: `open-source Unity Catalog with runs at ${server.place}`,
    kinds: new Set([...tracked, ...ossCapabilities.kinds]),
    infinities: server.infinities,
    names: { ...names, ...ossCapabilities.names },
    tags: { ...server.tags, ...ossCapabilities.tags },
  };
}
