import fc from "fast-check";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { withChannels } from "../../src/model/conda-channels.ts";

const RULES = { defaults: "conda-forge" };

it.each<[string, string, string | undefined]>([
  [
    "keeps comments and order",
    "channels:\n- defaults # ours\ndependencies:\n- a\n",
    "channels:\n- conda-forge # ours\ndependencies:\n- a\n",
  ],
  ["keeps quotes", "channels: ['defaults', x]\n", "channels: ['conda-forge', x]\n"],
  ["names a channel once", "channels: [defaults, conda-forge]\n", "channels: [conda-forge]\n"],
  ["names a channel once, in a block", "channels:\n- conda-forge\n- defaults\nname: x\n", "channels:\n- conda-forge\nname: x\n"],
  ["knows the addresses", "channels: [https://repo.anaconda.com/pkgs/main]\n", "channels: [conda-forge]\n"],
  ["adds it where none is named", "dependencies:\n- a", "dependencies:\n- a\nchannels:\n- conda-forge\n"],
  ["fills an empty list", "channels: []\nname: x\n", "channels: [conda-forge]\nname: x\n"],
  ["leaves nodefaults alone", "channels: [nodefaults]\n", undefined],
  ["leaves others alone", "channels: [conda-forge, mine]\n", undefined],
  ["leaves what is no environment alone", "name: x\n", undefined],
  ["leaves what is no YAML alone", "channels: [", undefined],
])("%s", (_what, text, expected) => {
  expect(withChannels(text, RULES)).toBe(expected);
});

it.each([
  "{name: a, dependencies: []}\n",
  "---\nname: a\ndependencies: []\n...\n",
  "channels:\n- &d defaults\ndependencies: [*d]\n",
  "channels: [defaults]\ndependencies: *d\n",
])("leaves %j as it is, since more would change than its channels", (text) => {
  expect(withChannels(text, RULES)).toBeUndefined();
});

it("another channel by its own rule, and no rule for itself", () => {
  expect(withChannels("channels: [old, defaults]\n", { old: "new", defaults: "defaults" })).toBe("channels: [new, defaults]\n");
});

it("changes nothing but the channels, whatever else is there, and nothing a second time", () => {
  const name = fc.constantFrom("defaults", "conda-forge", "mine", "https://repo.anaconda.com/pkgs/r");
  const environment = fc.record({
    name: fc.string(),
    channels: fc.uniqueArray(name, { minLength: 1 }),
    dependencies: fc.array(fc.oneof(fc.string(), fc.record({ pip: fc.array(fc.string()) }))),
  });
  fc.assert(
    fc.property(environment, fc.boolean(), (before, flow) => {
      const text = stringify(before, flow ? { collectionStyle: "flow" } : {});
      const after = withChannels(text, RULES);
      const expected = before.channels.map((channel) => (/defaults|anaconda/.test(channel) ? "conda-forge" : channel));
      expect(parse(after ?? text)).toEqual({ ...before, channels: expect.anything() as unknown });
      expect(new Set((parse(after ?? text) as typeof before).channels)).toEqual(new Set(expected));
      expect(withChannels(after ?? text, RULES)).toBeUndefined();
    }),
  );
});
