// What the errors of the clouds' SDKs mean: three vocabularies, one reading.
import { MigrationError, redact } from "../errors.ts";
import type { Bucket, StoreFailure } from "./store.ts";

/** Reads an SDK's error; undefined for one that no store caused, which is a defect. */
export function failureOf(thrown: unknown): StoreFailure | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { status, code, name } = partsOf(thrown);
  const said = [...new Set([status, code ?? (name === "Error" ? undefined : name)].filter((part) => part !== undefined))].join(" ");
  const reason = [said, plain(thrown.message)].filter((part) => part !== "").join(": ");
  const failure = (kind: StoreFailure["kind"], mayPass = false): StoreFailure => ({
    kind,
    reason,
    mayPass,
    ...(status === undefined ? {} : { status }),
  });
  if (NO_CREDENTIALS.test(`${name} ${code ?? ""} ${thrown.message}`)) return failure("no credentials");
  if (status === 401 || status === 403 || EXPIRED.test(code ?? name)) return failure("refused");
  if (NO_BUCKET.test(`${code ?? ""} ${name} ${thrown.message}`)) return failure("no bucket");
  if (status === 404) return failure("no object");
  if (status === 416) return failure("past the end");
  if (status !== undefined) return failure("failed", status === 408 || status === 429 || status >= 500);
  if (code !== undefined && UNREACHABLE.has(code)) return failure("unreachable", true);
  if (CUT.test(`${code ?? ""} ${name} ${thrown.message}`)) return failure("failed", true);
  return SDK_ERROR.test(name) ? failure("failed") : undefined;
}

/** What was asked of a bucket. */
export interface Asked {
  /** Verb and object: `list a/b`. */
  readonly what: string;
  /** Whether a 404 can only mean that the bucket itself is missing. */
  readonly anyObject: boolean;
}

/** The error to show for a failed request. */
export function storeError(bucket: Pick<Bucket, "uri" | "credentialHint">, { what, anyObject }: Asked, thrown: unknown): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const failure = failureOf(thrown);
  if (failure === undefined) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new MigrationError("INTERNAL", `internal error when mlferry was to ${what} at ${bucket.uri}: ${plain(message)}`, {
      cause: thrown,
      hint: "this is a defect of mlferry: please report it with the log file",
    });
  }
  const { reason, status } = failure;
  const kind = anyObject && failure.kind === "no object" ? "no bucket" : failure.kind;
  const cannot = `cannot ${what} at ${bucket.uri}`;
  const context = { cause: thrown, ...(status === undefined ? {} : { request: { method: "SDK", url: bucket.uri, status } }) };
  switch (kind) {
    case "no credentials":
      return new MigrationError("NOT_AUTHORISED", `${cannot}: no credentials were found (${reason})`, {
        cause: thrown,
        hint: bucket.credentialHint,
      });
    case "refused":
      return new MigrationError("NOT_AUTHORISED", `${cannot}: ${reason}`, { ...context, hint: bucket.credentialHint });
    case "no bucket":
      return new MigrationError("NOT_FOUND", `${cannot}: there is no such bucket or container (${reason})`, {
        ...context,
        hint: "check its name, and endpoint and account that are set",
      });
    case "unreachable":
      return new MigrationError("SERVER_UNREACHABLE", `${cannot}: ${reason}`, {
        cause: thrown,
        hint: "check the network, and the endpoint if one is set",
      });
    case "no object":
    case "past the end":
      return new MigrationError("NOT_FOUND", `${cannot}: ${reason}`, { ...context, hint: "the file is gone: run the same command again" });
    case "failed":
      return new MigrationError("REQUEST_FAILED", `${cannot}: ${reason}`, { ...context, hint: "run the same command again: it continues" });
  }
}

interface Parts {
  readonly status?: number;
  readonly code?: string;
  readonly name: string;
}

/** AWS: `name` and `$metadata.httpStatusCode`. Azure: `code` and `statusCode`. Google: `code` is the status, `errors[].reason` the code. */
function partsOf(error: Error): Parts {
  const fields: Partial<Record<string, unknown>> = Object.fromEntries(Object.entries(error));
  const metadata = fields["$metadata"];
  const statuses = [
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata ? metadata.httpStatusCode : undefined,
    fields["statusCode"],
    fields["code"],
    fields["status"],
  ];
  const status = statuses.map(Number).find((value) => Number.isInteger(value) && value >= 300 && value < 600);
  const code = [fields["code"], fields["Code"], causeCode(error)].find((value) => typeof value === "string" && /[A-Za-z]/.test(value));
  return { name: error.name, ...(status === undefined ? {} : { status }), ...(typeof code === "string" ? { code } : {}) };
}

function causeCode(error: Error): unknown {
  const { cause } = error;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return typeof inner === "object" && inner !== null && "code" in inner ? inner.code : undefined;
}

const NO_CREDENTIALS =
  /ProviderError|CredentialUnavailableError|AggregateAuthenticationError|ChainedTokenCredential|Could not load (the default )?credentials|Unable to detect a Project Id/i;
/** S3 answers 400 to a session that has ended. */
const EXPIRED = /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/;
const NO_BUCKET = /NoSuchBucket|ContainerNotFound|bucket (does not|not) exist|bucket not found/i;
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "REQUEST_SEND_ERROR",
]);
const CUT =
  /ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE|TimeoutError|aborted|socket hang up|terminated|premature|RequestTimeout|no more bytes|cut short/i;
const SDK_ERROR = /RestError|ApiError|ServiceException|S3ServiceException|GaxiosError|^Error$|Exception$/;

/** One line, without what could sign a request. */
function plain(message: string): string {
  const line = redact(message.split("\n", 1)[0] ?? "").replace(/\b(sig|X-Amz-Signature|X-Goog-Signature|AccountKey)=[^&;\s]+/gi, "$1=***");
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : line.replace(/\.$/, "");
}

const LONGEST_REASON = 300;
