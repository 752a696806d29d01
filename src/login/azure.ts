// Logins of Microsoft's directory: which addresses a cloud of Azure has, and the token of a service principal there.
import { MigrationError } from "../errors.ts";
import type { Auth, Obtained } from "../http/login.ts";
import type { AzureCloud, LoginContext } from "./context.ts";
import { requestToken } from "./oauth.ts";
import type { Settings } from "./settings.ts";

/** From databricks/sdk/environments.py of databricks-sdk-py 0.162, as are the hosts below. */
const AZURE_CLOUDS = {
  PUBLIC: { directory: "https://login.microsoftonline.com/", management: "https://management.core.windows.net/" },
  USGOVERNMENT: { directory: "https://login.microsoftonline.us/", management: "https://management.core.usgovcloudapi.net/" },
  CHINA: { directory: "https://login.chinacloudapi.cn/", management: "https://management.core.chinacloudapi.cn/" },
} as const satisfies Readonly<Record<string, AzureCloud>>;

const HOSTS: readonly (readonly [string, AzureCloud])[] = [
  [".azuredatabricks.net", AZURE_CLOUDS.PUBLIC],
  [".databricks.azure.us", AZURE_CLOUDS.USGOVERNMENT],
  [".databricks.azure.cn", AZURE_CLOUDS.CHINA],
];

/** What a token for a workspace is for: Databricks' application in every directory. */
export const DATABRICKS_APPLICATION = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

/** The cloud in which a workspace is, by its host; undefined where that is none of Azure's. */
export function azureCloudAt(url: string): AzureCloud | undefined {
  const { hostname } = new URL(url);
  return HOSTS.find(([zone]) => hostname.endsWith(zone))?.[1];
}

/** That of the context or the host, or else the one that `azure_environment` names, or the public one. Throws USAGE for a name that is none. */
export function azureCloud({ url, settings, azure }: Pick<LoginContext, "url" | "settings" | "azure">): AzureCloud {
  const known = azure ?? azureCloudAt(url);
  if (known !== undefined) return known;
  const named = settings.get("azure_environment");
  if (named === undefined) return AZURE_CLOUDS.PUBLIC;
  // Older programs wrote AzurePublicCloud and the like.
  const name = named.value
    .toUpperCase()
    .replace(/^AZURE/, "")
    .replace(/CLOUD$/, "");
  const cloud = Object.entries(AZURE_CLOUDS).find(([one]) => one === name)?.[1];
  if (cloud !== undefined) return cloud;
  throw new MigrationError("USAGE", `there is no cloud of Azure called ${JSON.stringify(named.value)}: see ${named.from}`, {
    hint: `there are ${Object.keys(AZURE_CLOUDS).join(", ")}`,
  });
}

/** A token of a service principal, by the first version of the endpoint, as Databricks' SDKs ask for it. */
export async function azurePrincipalToken(context: LoginContext): Promise<Obtained> {
  const { settings } = context;
  const { directory, management } = azureCloud(context);
  const ask = (resource: string): ReturnType<typeof requestToken> =>
    requestToken(
      {
        method: "azure-client-secret",
        endpoint: `${directory}${encodeURIComponent(settings.get("azure_tenant_id")?.value ?? "")}/oauth2/token`,
        fields: [
          ["grant_type", "client_credentials"],
          ["client_id", settings.get("azure_client_id")?.value ?? ""],
          ["client_secret", settings.get("azure_client_secret")?.value ?? ""],
          ["resource", resource],
        ],
      },
      context,
    );
  const own = await ask(DATABRICKS_APPLICATION);
  if (settings.get("azure_workspace_resource_id") === undefined) return own;
  const managing = await ask(management);
  return { ...withWorkspace(own.token, managing.token, settings), ...soonest(own, managing) };
}

/**
 * A principal that the workspace does not know yet proves by a token for Azure's management what it may do with the workspace's resource:
 * learn.microsoft.com/azure/databricks/dev-tools/service-prin-aad-token. Without a resource neither header has a meaning.
 */
export function withWorkspace(token: string, managing: string | undefined, settings: Settings): { readonly auth: Auth } {
  const resource = settings.get("azure_workspace_resource_id")?.value;
  const headers = {
    ...(resource === undefined ? {} : { "x-databricks-azure-workspace-resource-id": resource }),
    ...(managing === undefined ? {} : { "x-databricks-azure-sp-management-token": managing }),
  };
  return { auth: { kind: "bearer", token, headers } };
}

/** Two tokens that go together are good until the first ends. */
export function soonest(...tokens: readonly Obtained[]): Pick<Obtained, "expires"> {
  const expires = Math.min(...tokens.map((token) => token.expires ?? Infinity));
  return expires === Infinity ? {} : { expires };
}
