// The token endpoint of Azure's directory, first version: strict about its form, and about which application a token is for.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { AzureCloud } from "../../src/login/context.ts";

export interface AzureDirectory {
  readonly cloud: AzureCloud;
  /** The resources for which tokens were given, in order. */
  readonly given: readonly string[];
}

export interface AzureDirectoryOptions {
  readonly tenant: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Tokens by the resource that they are for. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** Answers as learn.microsoft.com/entra/identity-platform/v1-oauth2-client-creds-grant-flow has it: numbers are texts. */
export async function startAzureDirectory(options: AzureDirectoryOptions): Promise<AzureDirectory> {
  const given: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
      const form = new URLSearchParams(isForm ? Buffer.concat(chunks).toString() : "");
      const [status, body] = answer(`${request.method ?? ""} ${request.url ?? ""}`, form, options);
      if (status === 200) given.push(form.get("resource") ?? "");
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  const directory = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { cloud: { directory, management: "https://management.core.windows.net/" }, given };
}

function answer(route: string, form: URLSearchParams, options: AzureDirectoryOptions): [number, Record<string, string>] {
  if (route !== `POST /${options.tenant}/oauth2/token`) return refusal(400, "invalid_request", "AADSTS90002: Tenant not found.");
  const expected = ["client_id", "client_secret", "grant_type", "resource"];
  if (form.get("grant_type") !== "client_credentials" || [...form.keys()].sort().join() !== expected.join()) {
    return refusal(400, "invalid_request", `AADSTS900144: The request body is not as it should be: ${[...form.keys()].join()}`);
  }
  if (form.get("client_id") !== options.clientId) return refusal(400, "unauthorized_client", "AADSTS700016: Application was not found");
  if (form.get("client_secret") !== options.clientSecret)
    return refusal(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
  const resource = form.get("resource") ?? "";
  const token = options.tokens[resource];
  if (token === undefined) return refusal(400, "invalid_resource", `AADSTS500011: The resource principal named ${resource} was not found`);
  return [200, { token_type: "Bearer", expires_in: "3599", expires_on: "1700000000", resource, access_token: token }];
}

function refusal(status: number, error: string, description: string): [number, Record<string, string>] {
  return [status, { error, error_description: description }];
}
