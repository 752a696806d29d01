// Params, metric points and tags of a run cut into log-batch requests that a server accepts.
import type { MetricPoint, Tags } from "../../model/entities.ts";
import { pointText } from "../../model/facts.ts";

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** A point of a run; one that is a logged model's as well names that. */
export interface LoggedPoint extends MetricPoint {
  readonly model?: { readonly id: string; readonly datasetName: string | undefined; readonly datasetDigest: string | undefined };
}

/** The lists of a log-batch request. */
export interface LogBatch {
  readonly params: readonly KeyValue[];
  readonly metrics: readonly LoggedPoint[];
  readonly tags: readonly KeyValue[];
}

export interface RunContent {
  readonly params: Tags;
  /** In any order; identical points within a request are sent once, which 2.22.5 insists on for NaN. */
  readonly points: AsyncIterable<readonly MetricPoint[]>;
  /** Come last, in this order: a server stores a request's tags after all else. */
  readonly tags: readonly KeyValue[];
}

/** As few requests as the server's limits allow: params first, then points, tags at the end. None when there is nothing to say. */
export async function* logBatches(content: RunContent): AsyncGenerator<LogBatch> {
  let draft = emptyDraft();
  for await (const items of itemsOf(content)) {
    for (const item of items) {
      const identity = item.list === "metrics" ? `${pointText(item.value)}/${item.value.key}` : undefined;
      if (identity !== undefined && draft.seen.has(identity)) continue;
      const bytes = bytesOf(item);
      if (isFull(draft, item.list, bytes)) {
        yield draft;
        draft = emptyDraft();
      }
      if (identity !== undefined) draft.seen.add(identity);
      if (item.list === "metrics") draft.metrics.push(item.value);
      else draft[item.list].push(item.value);
      draft.bytes += bytes;
    }
  }
  if (countOf(draft) > 0) yield draft;
}

type Item = { readonly list: "params" | "tags"; readonly value: KeyValue } | { readonly list: "metrics"; readonly value: MetricPoint };

async function* itemsOf({ params, points, tags }: RunContent): AsyncGenerator<readonly Item[]> {
  yield [...params].map(([key, value]): Item => ({ list: "params", value: { key, value } }));
  for await (const batch of points) yield batch.map((value): Item => ({ list: "metrics", value }));
  yield tags.map((value): Item => ({ list: "tags", value }));
}

/** mlflow/utils/validation.py, MAX_*_PER_BATCH; more is refused. */
const MOST = { params: 100, metrics: 1000, tags: 100 } as const;
const MOST_ITEMS = 1000;
/** Documented as 1 MB and not enforced by open-source servers; proxies before them may. */
const MOST_BYTES = 900_000;
/** A point without its key: field names and numbers at their longest. */
const BYTES_OF_POINT = 110;

interface Draft {
  readonly params: KeyValue[];
  readonly metrics: MetricPoint[];
  readonly tags: KeyValue[];
  readonly seen: Set<string>;
  bytes: number;
}

function emptyDraft(): Draft {
  return { params: [], metrics: [], tags: [], seen: new Set(), bytes: 0 };
}

function countOf(draft: Draft): number {
  return draft.params.length + draft.metrics.length + draft.tags.length;
}

/** Whether the draft must go out before another item of this size can be taken. A single item always fits. */
function isFull(draft: Draft, list: keyof typeof MOST, bytes: number): boolean {
  const count = countOf(draft);
  if (count === 0) return false;
  return draft[list].length >= MOST[list] || count >= MOST_ITEMS || draft.bytes + bytes > MOST_BYTES;
}

function bytesOf(item: Item): number {
  if (item.list === "metrics") return BYTES_OF_POINT + Buffer.byteLength(item.value.key);
  return Buffer.byteLength(JSON.stringify(item.value)) + 1;
}
