// Who may talk to the fake workspace: personal access tokens, and OAuth tokens that expire.
import { Refused } from "./answer.ts";
import type { Json } from "./answer.ts";
import type { State } from "./state.ts";

export interface ServicePrincipal {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly user: string;
}

export interface AccountOptions {
  /** Personal access tokens, with their users. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly servicePrincipals: readonly ServicePrincipal[];
  /** Tokens of an identity provider that this workspace trusts, with their users. */
  readonly identityTokens: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly now: () => number;
}

export interface Accounts {
  /** The user behind the header. Throws 401 for none, an unknown or an expired one. */
  userOf(authorization: string | undefined): string;
  /** Answers the token endpoint: client credentials as basic authorization, or the token of an identity provider in the form. */
  token(authorization: string | undefined, form: URLSearchParams): Json;
  /** Ends every token that was given out. */
  revokeAll(): void;
}

export function createAccounts(state: State, { tokens, servicePrincipals, identityTokens, now }: AccountOptions): Accounts {
  const issued = new Map<string, { readonly user: string; readonly expires: number }>();
  const issue = (user: string): Json => {
    const token = `oauth-${state.hex()}`;
    issued.set(token, { user, expires: now() + state.rules.tokenSeconds * 1000 });
    return { access_token: token, token_type: "Bearer", expires_in: state.rules.tokenSeconds, scope: "all-apis" };
  };
  const exchange = (form: URLSearchParams): Json => {
    const user = identityTokens[form.get("subject_token") ?? ""];
    const isJwt = form.get("subject_token_type") === "urn:ietf:params:oauth:token-type:jwt";
    const client = form.get("client_id");
    const isKnown = client === null || servicePrincipals.some(({ clientId }) => clientId === client);
    if (user === undefined || !isJwt || !isKnown) throw new Refused(400, "invalid_request", "Failed to exchange the token");
    return issue(user);
  };
  return {
    userOf(authorization) {
      const [, token] = /^Bearer (.+)$/.exec(authorization ?? "") ?? [];
      const user = token === undefined ? undefined : tokens[token];
      if (user !== undefined) return user;
      const oauth = issued.get(token ?? "");
      if (oauth === undefined) throw unauthenticated("Credential was not sent or was of an unsupported type for this API.");
      if (oauth.expires <= now()) throw unauthenticated("ExpiredToken: the access token has expired.");
      return oauth.user;
    },
    token(authorization, form) {
      if (form.get("grant_type") === "urn:ietf:params:oauth:grant-type:token-exchange") return exchange(form);
      const [, basic = ""] = /^Basic (.+)$/.exec(authorization ?? "") ?? [];
      const [id, secret] = Buffer.from(basic, "base64").toString().split(":", 2);
      const principal = servicePrincipals.find(({ clientId, clientSecret }) => clientId === id && clientSecret === secret);
      if (principal === undefined) throw new Refused(401, "invalid_client", "Client authentication failed");
      if (form.get("grant_type") !== "client_credentials") throw new Refused(400, "unsupported_grant_type", String(form.get("grant_type")));
      if (form.get("scope") !== "all-apis") throw new Refused(400, "invalid_scope", String(form.get("scope")));
      return issue(principal.user);
    },
    revokeAll: () => issued.clear(),
  };
}

const unauthenticated = (message: string): Refused => new Refused(401, "UNAUTHENTICATED", message);
