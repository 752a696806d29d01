// A JSON object whose arrays may be too long to be held at once: their items are handed over as they arrive.
import { parseJson } from "./json.ts";

/** Takes items, in order, some at a time. */
export type TakeItems = (items: readonly unknown[]) => void;

/**
 * Reads an object whose members are long arrays, among others. Items are parsed as by parseJson; what is given at the end is the
 * object with these arrays empty. Throws SyntaxError or TypeError (no UTF-8), perhaps after items were taken.
 */
export async function readItems(chunks: AsyncIterable<Uint8Array>, take: TakeItems): Promise<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const scan: Scan = { depth: 0, inArray: false, inString: false, escaped: false, item: "", rest: "", items: [] };
  for await (const chunk of chunks) {
    readOn(scan, decoder.decode(chunk, { stream: true }));
    if (scan.items.length >= AT_ONCE) handOver(scan, take);
  }
  readOn(scan, decoder.decode());
  handOver(scan, take);
  return parseJson(scan.rest);
}

const AT_ONCE = 1000;

/** How far the reader has come: depth 1 is the object, 2 a member of it. */
interface Scan {
  depth: number;
  inArray: boolean;
  inString: boolean;
  escaped: boolean;
  /** The beginning of an item that is not at its end. */
  item: string;
  /** Everything but the items. */
  rest: string;
  /** Texts of whole items. */
  items: string[];
}

function readOn(scan: Scan, text: string): void {
  let from = 0;
  const upTo = (end: number): void => {
    if (scan.inArray) scan.item += text.slice(from, end);
    else scan.rest += text.slice(from, end);
    from = end;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (scan.inString) {
      scan.inString = scan.escaped || char !== QUOTE;
      scan.escaped = !scan.escaped && char === BACKSLASH;
    } else if (char === QUOTE) scan.inString = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      scan.depth += 1;
      if (scan.depth !== 2 || char !== OPEN_BRACKET) continue;
      upTo(at + 1);
      scan.inArray = true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      if (scan.depth === 2 && scan.inArray) {
        upTo(at);
        endItem(scan);
        scan.inArray = false;
      }
      scan.depth -= 1;
    } else if (char === COMMA && scan.depth === 2 && scan.inArray) {
      upTo(at);
      endItem(scan);
      from = at + 1;
    }
  }
  upTo(text.length);
}

function endItem(scan: Scan): void {
  if (scan.item.trim() !== "") scan.items.push(scan.item);
  scan.item = "";
}

function handOver(scan: Scan, take: TakeItems): void {
  if (scan.items.length > 0) take(parseJson(`[${scan.items.join(",")}]`) as unknown[]);
  scan.items = [];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
