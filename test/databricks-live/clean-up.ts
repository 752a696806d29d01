// Takes away what a run of the suite made, and nothing else: everything of it begins with the run's own names.
import { MigrationError } from "../../src/errors.ts";
import type { HttpClient } from "../../src/http/client.ts";
import type { Own } from "./workspaces.ts";

const never = new AbortController().signal;

/** Registered models of the workspace registry, their versions out of the active stages first. */
export async function removeModels(http: HttpClient, { prefix }: Own): Promise<void> {
  const filter = `name LIKE '${prefix}%'`;
  for (const name of await names(http, { path: `${API}/registered-models/search`, query: [["filter", filter]] })) {
    if (!name.startsWith(prefix)) continue;
    const versions = await http.json(
      { method: "GET", path: `${API}/model-versions/search`, query: [["filter", `name='${name}'`]], repeat: "safe" },
      never,
    );
    for (const { version } of (versions as { model_versions?: { version: string }[] }).model_versions ?? []) {
      const body = { name, version, stage: "Archived", archive_existing_versions: false };
      await http.json({ method: "POST", path: `${API}/model-versions/transition-stage`, body, repeat: "safe" }, never);
    }
    await http.json({ method: "DELETE", path: `${API}/registered-models/delete`, body: { name }, repeat: "safe" }, never);
  }
}

/** Models of Unity Catalog in the schema. */
export async function removeCatalogModels(http: HttpClient, schema: string, { prefix }: Own): Promise<void> {
  for (const name of await names(http, { path: `${API}/unity-catalog/registered-models/search`, query: [["max_results", "10000"]] })) {
    if (!name.startsWith(`${schema}.${prefix}`)) continue;
    await http.json({ method: "DELETE", path: `${API}/unity-catalog/registered-models/delete`, body: { name }, repeat: "safe" }, never);
  }
}

/** Experiments below the run's folder, with their runs. */
export async function removeExperiments(http: HttpClient, { folder }: Own): Promise<void> {
  const body = { view_type: "ACTIVE_ONLY", max_results: 1000 };
  const answer = await http.json({ method: "POST", path: `${API}/experiments/search`, body, repeat: "safe" }, never);
  const { experiments = [] } = answer as { experiments?: { experiment_id: string; name: string }[] };
  for (const { experiment_id: id, name } of experiments) {
    if (!name.startsWith(folder)) continue;
    await http.json({ method: "POST", path: `${API}/experiments/delete`, body: { experiment_id: id }, repeat: "safe" }, never);
  }
}

const API = "/api/2.0/mlflow";

async function names(
  http: HttpClient,
  { path, query }: { readonly path: string; readonly query: readonly (readonly [string, string])[] },
): Promise<string[]> {
  const found: string[] = [];
  let token = "";
  do {
    const next = token === "" ? query : [...query, ["page_token", token] as const];
    const answer = await http.json({ method: "GET", path, query: next, repeat: "safe" }, never);
    const page = answer as { registered_models?: { name: string }[]; next_page_token?: string };
    found.push(...(page.registered_models ?? []).map(({ name }) => name));
    token = page.next_page_token ?? "";
  } while (token !== "");
  return found;
}

/** What the workspace answers to a question that its documentation leaves open: `yes`, or its own code. */
export async function answerTo(question: Promise<unknown>): Promise<string> {
  try {
    await question;
    return "yes";
  } catch (thrown) {
    return thrown instanceof MigrationError ? `${thrown.request?.status ?? ""} ${thrown.request?.serverCode ?? thrown.code}`.trim() : "no";
  }
}
