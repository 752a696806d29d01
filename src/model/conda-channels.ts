// The channels of a conda environment, which a rule may exchange: those that an organisation needs a licence for, above all.
import { isSeq } from "yaml";
import type { Scalar } from "yaml";
import { listedScalars, parsedMapping, replaced, spliced } from "./yaml-scalars.ts";
import type { ParsedYaml, Splice } from "./yaml-scalars.ts";

/** The channel's name: the same as what Anaconda serves under these addresses, and what conda takes where none is named. */
const DEFAULTS = "defaults";
const ADDRESSES = /^https?:\/\/(repo\.anaconda\.com|repo\.continuum\.io|conda\.anaconda\.org\/(main|anaconda))\b/;

/** By channel, the one that takes its place; `defaults` stands for all that Anaconda serves. */
export type ChannelRules = Readonly<Record<string, string>>;

/**
 * The text of a `conda.yaml` with other channels; undefined where no rule changes it, or where it is no environment. A channel that is there
 * already is not named twice. Where none is named, and `nodefaults` is not, the one that takes the place of `defaults` is added.
 */
export function withChannels(text: string, rules: ChannelRules): string | undefined {
  const edit = edited(text, rules);
  const [before, after] = [said(text), edit && said(edit.text)];
  if (edit === undefined || after === undefined || after.others !== before?.others) return undefined;
  // What cannot be written so that it is read back stays as it was, and is told as what it is.
  return after.channels === setText(edit.names) ? edit.text : undefined;
}

/** The channels of an environment, each once, and all else: where an edit would change that, as of an anchor, it is not made. */
function said(text: string): { readonly channels: string; readonly others: string } | undefined {
  const document = parsedMapping(text);
  if (document === undefined) return undefined;
  const channels = setText((listedScalars(document, "channels") ?? []).map(({ value }) => value));
  document.delete("channels");
  try {
    return { channels, others: JSON.stringify(document.toJS()) };
  } catch {
    // An alias that leads nowhere, or an anchor that stood in the list.
    return undefined;
  }
}

function setText(names: readonly string[]): string {
  return [...new Set(names)].sort().join("\n");
}

interface Edit {
  readonly text: string;
  /** The channels that the text is meant to have. */
  readonly names: readonly string[];
}

function edited(text: string, rules: ChannelRules): Edit | undefined {
  const document = parsedMapping(text);
  if (document === undefined || !(document.has("dependencies") || document.has("channels"))) return undefined;
  const channels = listedScalars(document, "channels");
  if (channels === undefined || channels.length === 0) return withFirst(text, document, rules[DEFAULTS]);
  const names = channels.map(({ value }) => ruleFor(value, rules) ?? value);
  if (names.every((name, at) => name === channels[at]?.value)) return undefined;
  const list = document.get("channels", true);
  const isShorter = isSeq(list) && list.flow === true && new Set(names).size < names.length;
  const whole =
    isShorter && list.range ? [{ from: list.range[0], to: list.range[1], text: `[${[...new Set(names)].join(", ")}]` }] : undefined;
  return { text: spliced(text, whole ?? lineSplices(text, channels, rules)), names };
}

/** Whether the channel is Anaconda's own, by name or by address. */
export function isDefaults(channel: string): boolean {
  return channel === DEFAULTS || ADDRESSES.test(channel);
}

/** What is there as it is to be comes before what becomes it. */
function lineSplices(text: string, channels: readonly Scalar<string>[], rules: ChannelRules): Splice[] {
  const taken = new Set(channels.map(({ value }) => value).filter((name) => ruleFor(name, rules) === undefined));
  return channels.flatMap((channel) => {
    const to = ruleFor(channel.value, rules);
    if (to === undefined) return [];
    const splice = taken.has(to) ? lineOf(text, channel.range ?? [0, 0, 0]) : replaced(channel, to);
    taken.add(to);
    return [splice];
  });
}

function ruleFor(channel: string, rules: ChannelRules): string | undefined {
  const to = rules[channel] ?? (ADDRESSES.test(channel) ? rules[DEFAULTS] : undefined);
  return to === channel ? undefined : to;
}

/** The line of a block's item, to be left out. */
function lineOf(text: string, [from, to]: readonly [number, number, number]): Splice {
  const start = text.lastIndexOf("\n", from - 1) + 1;
  const end = text.indexOf("\n", to);
  return { from: start, to: end === -1 ? text.length : end + 1, text: "" };
}

function withFirst(text: string, document: ParsedYaml, channel: string | undefined): Edit | undefined {
  if (channel === undefined) return undefined;
  const list = document.get("channels", true);
  const names = [channel];
  if (isSeq(list) && list.flow === true && list.range) {
    return { text: spliced(text, [{ from: list.range[0], to: list.range[1], text: `[${channel}]` }]), names };
  }
  if (document.has("channels")) return undefined;
  const end = text === "" || text.endsWith("\n") ? "" : "\n";
  return { text: `${text}${end}channels:\n- ${channel}\n`, names };
}
