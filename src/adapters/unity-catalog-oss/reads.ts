// Reads models and versions of the open-source server; their tags are those that mlferry keeps in comments.
import type { z } from "zod";
import type { HttpClient, Query } from "../../http/client.ts";
import { get, unlessNotFound } from "../mlflow/calls.ts";
import type { CatalogReads, CatalogVersion } from "../unity-catalog/reads.ts";
import { toModel, toVersion, wire } from "./wire.ts";
import type { WireVersion } from "./wire.ts";

export const OSS_API = "/api/2.1/unity-catalog";

/** The most that the server gives. */
const PAGE: Query = [["max_results", "100"]];

/** The path of a model by its three-level name. */
export function modelPath(name: string): string {
  return `${OSS_API}/models/${encodeURIComponent(name)}`;
}

/** `namesRuns`: whether the runs that versions name are of a known server; else they name none. */
export function createOssReads(http: HttpClient, { namesRuns }: { readonly namesRuns: boolean }): CatalogReads {
  const versionOf = (answer: WireVersion): CatalogVersion => toVersion(namesRuns ? answer : { ...answer, run_id: "" });
  return {
    async *listed(signal) {
      for await (const page of pagesOf(http, `${OSS_API}/models`, wire.models, signal)) yield* page.registered_models.map(toModel);
    },
    whole: (listed) => Promise.resolve(listed),
    async model(name, signal) {
      const answer = await unlessNotFound(get(http, modelPath(name), { schema: wire.model, signal }));
      return answer && toModel(answer);
    },
    async versions(name, signal) {
      const found = [];
      for await (const page of pagesOf(http, `${modelPath(name)}/versions`, wire.versions, signal))
        found.push(...page.model_versions.map(versionOf));
      return found;
    },
    async version(name, number, signal) {
      const path = `${modelPath(name)}/versions/${String(number)}`;
      const answer = await unlessNotFound(get(http, path, { schema: wire.version, signal }));
      return answer && versionOf(answer);
    },
  };
}

/** A page may be empty and not the last. */
async function* pagesOf<T extends { readonly next_page_token?: string | null | undefined }>(
  http: HttpClient,
  path: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let token = "";
  do {
    const query: Query = token === "" ? PAGE : [...PAGE, ["page_token", token]];
    const page = await get(http, path, { query, schema, signal });
    yield page;
    token = page.next_page_token ?? "";
  } while (token !== "");
}
