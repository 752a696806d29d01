// What a YAML text of somebody else's says; nothing of it is trusted.
import { parse } from "yaml";

/** The value of the text; undefined for one that is no YAML. */
export function yamlValue(text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch {
    // Whoever asks looks for files of a certain form, and this is none of them.
    return undefined;
  }
}
