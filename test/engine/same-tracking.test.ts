// Which two places have the same runs, so that these stay where they are.
import { expect, test } from "vitest";
import { createMemory } from "../../src/adapters/memory/memory.ts";
import { sharesTracking } from "../../src/engine/same-tracking.ts";
import type { OriginId } from "../../src/model/entities.ts";
import type { Source } from "../../src/ports/source.ts";

function place(origin: string, tracking?: string): Source {
  return { ...createMemory({ origin: origin as OriginId }), ...(tracking === undefined ? {} : { tracking: tracking as OriginId }) };
}

test.each([
  ["a server and a catalog over it", place("a", "a"), place("c", "a"), true],
  ["two catalogs over one server", place("c", "a"), place("d", "a"), true],
  ["one catalog over one server", place("c", "a"), place("c", "a"), true],
  ["two servers", place("a", "a"), place("b", "b"), false],
  ["one server, whose objects get new names within it", place("a", "a"), place("a", "a"), false],
  ["places without a tracking half", place("a"), place("b"), false],
])("%s", (_what, source, target, shared) => {
  expect(sharesTracking({ source, target })).toBe(shared);
});
