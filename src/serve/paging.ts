// Pages of a list that lies in memory, with MLflow's page tokens: base64 of {"offset": N}.
import { optionalText } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { invalid } from "./refusals.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_page_token?: string;
}

/** The page of `all` that the request's `page_token` asks for. */
export function page<T>(all: readonly T[], fields: Fields, size: number): Page<T> {
  const offset = offsetOf(optionalText(fields, "page_token"));
  const end = offset + size;
  const items = all.slice(offset, end);
  return end < all.length ? { items, next_page_token: tokenOf(end) } : { items };
}

function tokenOf(offset: number): string {
  return Buffer.from(`{"offset": ${String(offset)}}`).toString("base64");
}

function offsetOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const match = /^\{"offset": (\d{1,15})\}$/.exec(Buffer.from(token, "base64").toString());
  if (match === null) throw invalid(`Invalid page token, could not base64-decode: ${token}`);
  return Number(match[1]);
}
