// What a login needs of the world: requests to token endpoints, other programs, files, the clock.
import type { Method } from "./method.ts";
import type { Settings } from "./settings.ts";

/** How a program ended. */
export interface Ended {
  /** In words; absent when it ended well. */
  readonly failure?: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A request outside the workspace's own client, which needs a token before it can send anything. Addresses are whole. */
export interface Web {
  get(url: string): Promise<unknown>;
  /** POSTs a form; `basic` goes along as user name and password. */
  form(url: string, fields: readonly (readonly [string, string])[], basic?: Basic): Promise<unknown>;
}

export interface Basic {
  readonly username: string;
  readonly password: string;
}

export interface LoginContext {
  readonly settings: Settings;
  /** The workspace's address. */
  readonly url: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly web: Web;
  readonly run: (program: string, args: readonly string[], env: LoginContext["env"]) => Promise<Ended>;
  /** Where Azure's directory is. Default: where that of the workspace's cloud is. */
  readonly azure?: AzureCloud;
  /** Told of each secret before it is used. */
  readonly keepSecret: (value: string) => void;
}

/** A cloud of Azure; addresses with a slash at their end. */
export interface AzureCloud {
  /** Where tokens come from. */
  readonly directory: string;
  /** What a token for the management of Azure is for. */
  readonly management: string;
}

/** For messages: `login oauth-m2m of profile dev in ~/.databrickscfg`. */
export function loginName(method: Method, { whose }: Settings): string {
  return `login ${method} of ${whose}`;
}
