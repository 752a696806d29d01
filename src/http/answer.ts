// What an error answer says: its body read to a limit, the server's code and a text fit for one line.
import type { Dispatcher } from "undici";

export type Answer = Dispatcher.ResponseData;

export interface ErrorBody {
  /** `error_code` of MLflow's JSON errors, `error` (RFC 6749, 5.2) or `errorCode` of a token endpoint's. */
  readonly serverCode?: string;
  /** One line, at most 300 characters, no HTML, no SQL; may be empty. */
  readonly text: string;
}

/** Reads at most 64 KiB; a body that breaks off is told as far as it came. */
export async function readErrorBody(answer: Answer): Promise<ErrorBody> {
  const body = await readSome(answer);
  if (isHtml(answer, body)) return { text: oneLine(titleOf(body)) };
  const json = jsonObject(body);
  if (json === undefined) {
    const serverCode = /"error_code"\s*:\s*"(\w+)"/.exec(body)?.[1];
    return { ...(serverCode === undefined ? {} : { serverCode }), text: oneLine(body) };
  }
  const { error, error_code: mlflowCode, errorCode, error_description: described } = json;
  const code = mlflowCode ?? errorCode ?? (described === undefined ? undefined : error);
  return { ...(typeof code === "string" && /^\w+$/.test(code) ? { serverCode: code } : {}), text: oneLine(messageOf(json)) };
}

/** A header's first value. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** Whether a body is a page for people. The type alone does not tell: MLflow labels its plain 503 texts `text/html`. */
export function isHtml(answer: Answer, body: string): boolean {
  const claimed = /\bhtml\b/i.test(headerOf(answer, "content-type") ?? "");
  return /^\s*<(?:!doctype|html|head|body|title)\b/i.test(body) || (claimed && /<\/?[a-z!][^>]*>/i.test(body));
}

const LONGEST_ERROR_BODY = 64 * 1024;
const LONGEST_TEXT = 300;

async function readSome(answer: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= LONGEST_ERROR_BODY) break;
    }
  } catch {
    // The status is known and is what counts; the text only explains it.
  }
  return Buffer.concat(chunks).subarray(0, LONGEST_ERROR_BODY).toString("utf8");
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** MLflow writes `message`, FastAPI `detail` (a text, or a list of objects with `msg`), token endpoints the next two, others `error`. */
function messageOf(json: Record<string, unknown>): string {
  const { message, detail, error_description: described, errorSummary, error } = json;
  if (Array.isArray(detail)) return detail.map((entry: unknown) => messageOfDetail(entry)).join("; ");
  return [message, detail, described, errorSummary, error].find((text) => typeof text === "string") ?? "";
}

function messageOfDetail(entry: unknown): string {
  return typeof entry === "object" && entry !== null && "msg" in entry ? String(entry.msg) : "";
}

function titleOf(html: string): string {
  const title = /<title[^>]*>([^<]*)</i.exec(html)?.[1]?.trim() ?? "";
  return title === "" ? "an HTML page" : `an HTML page titled "${title}"`;
}

/**
 * SQLAlchemy appends the statement and its parameters, which hold users' values, to the database's message, and may begin with advice
 * to programmers.
 */
function oneLine(text: string): string {
  const withoutSql = (text.split(/\[(?:SQL|parameters):/, 1)[0] ?? "").replace(
    /^\(raised as a result of Query-invoked autoflush;[^)]*\)/,
    "",
  );
  // eslint-disable-next-line no-control-regex -- control characters of a foreign text must not reach a terminal
  const line = withoutSql.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  const short = line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1).replace(/\p{Surrogate}$/u, "")}…` : line;
  return short.replace(/\.$/, "");
}
