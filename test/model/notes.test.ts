// Notes on a version: what is written is read back, whole or in parts, and nothing else is taken for one.
import fc from "fast-check";
import { expect, test } from "vitest";
import { STAGES } from "../../src/model/entities.ts";
import type { VersionEntry } from "../../src/model/entities.ts";
import { entryKey, versionKey } from "../../src/model/keys.ts";
import { noteName, notesOn, noteTags, tagsOfNote, withoutNotes } from "../../src/model/notes.ts";
import { comment, registeredModel, request, transition, version } from "../contract/builders.ts";

const place = { model: "a/b", version: 3 };
const node = { needs: [versionKey("a/b", 3)], mayReference: [], provenance: new Map<string, string>(), ...place };
const text = fc.string({ unit: "binary", maxLength: 60 });
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const stage = fc.constantFrom(...STAGES);
const optional = <T>(key: string, value: fc.Arbitrary<T>) => fc.option(value).map((given) => (given === null ? {} : { [key]: given }));

const entry = fc.oneof(
  fc
    .tuple(fc.record({ from: stage, to: stage, at: time, bySystem: fc.boolean() }), optional("user", text), optional("comment", text))
    .map(([own, ...rest]) =>
      Object.assign({ kind: "stage-transition", key: entryKey("stage-transition", place, "7"), ...node }, own, ...rest),
    ),
  fc
    .tuple(fc.record({ text, createdAt: time }), optional("user", text), optional("updatedAt", time))
    .map(([own, ...rest]) => Object.assign({ kind: "comment", key: entryKey("comment", place, "5f_3"), ...node }, own, ...rest)),
  fc
    .tuple(fc.record({ to: stage, createdAt: time }), optional("user", text), optional("comment", text))
    .map(([own, ...rest]) =>
      Object.assign({ kind: "transition-request", key: entryKey("transition-request", place, "1"), ...node }, own, ...rest),
    ),
) as fc.Arbitrary<VersionEntry>;

test("an entry is read back from its note as it was, however short a value may be", () => {
  fc.assert(
    fc.property(entry, fc.integer({ min: 1, max: 300 }), (original, valueChars) => {
      const provenance = new Map([...noteTags(original, valueChars), ["source", "abc"]]);
      for (const value of provenance.values()) expect([...value].length).toBeLessThanOrEqual(Math.max(valueChars, 3));
      expect(notesOn({ key: versionKey("a/b", 3), ...place, provenance })).toEqual([original]);
      expect(tagsOfNote(provenance, original.key)).toHaveLength(provenance.size - 1);
    }),
  );
});

test("a note has the same name whenever it is written, in characters that every place takes", () => {
  expect(noteName(entryKey("stage-transition", place, "1"))).toBe("transition_1");
  expect(noteName(entryKey("comment", place, "5f-3"))).toBe("comment_5f_3");
  expect(noteName(entryKey("transition-request", place, "2"))).toBe("request_2");
});

test("notes come by kind and time, and are no part of what is left of the version", () => {
  const one = version(3, registeredModel("m"), { files: { owner: "own" } });
  const entries = [comment(1, one), transition(10, one), transition(2, one, { at: 0n }), request(1, one)].map(({ entity }) => entity);
  const provenance = new Map([["done", "x"], ...entries.flatMap((each) => [...noteTags(each)])]);
  const noted = { ...one.entity, provenance };
  expect(notesOn(noted).map(({ key }) => key)).toEqual([
    "stage-transition:m/3/2",
    "stage-transition:m/3/10",
    "comment:m/3/1",
    "transition-request:m/3/1",
  ]);
  expect([...withoutNotes(noted).provenance]).toEqual([["done", "x"]]);
});

test.each([
  ["no JSON", "hello"],
  ["another shape", '{"text": "x"}'],
  ["a field too many", '{"text":"x","createdAt":"1","secret":"y"}'],
  ["a time that is none", '{"text":"x","createdAt":"soon"}'],
  ["a part that is missing", '{"text":"x","created'],
])("%s stands for nothing", (_, value) => {
  expect(notesOn({ key: versionKey("a/b", 3), ...place, provenance: new Map([["comment_1", value]]) })).toEqual([]);
});
