// What proves who asks: one credential that stays, or a provider that gives a fresh one while requests are under way.
import { MigrationError } from "../errors.ts";

export type Auth =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | {
      readonly kind: "bearer";
      readonly token: string;
      /** Sent beside it, and secret like it; names in lower case. */
      readonly headers?: Readonly<Record<string, string>>;
    };

/**
 * A credential that changes while a client is open, such as a token that expires. Both methods are called in parallel, so a provider
 * that has to fetch one lets all who wait have it; what they throw ends the request.
 */
export interface AuthProvider {
  /** The credential for a request that is about to be sent; asked before each one, so it answers from memory while that is good. */
  current(): Promise<Auth>;
  /** Another one, after the server refused `refused` (401). Undefined, or the same once more: there is none, and the refusal stands. */
  renew(refused: Auth): Promise<Auth | undefined>;
}

/** What goes with one request. */
export interface Proof {
  readonly auth: Auth;
  /** The value of the header `authorization`. */
  readonly header: string;
  /** All that is sent, `authorization` included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A client's credential over its whole life. */
export interface Login {
  /** For a hint: what kind of credential is sent. */
  readonly kind: string;
  proof(): Promise<Proof>;
  /** To be told of every answer that is no refusal: only what was taken once is worth renewing. */
  take(proof: Proof): void;
  wasTaken(proof: Proof): boolean;
  /**
   * Whether the request may be sent again with another credential. A credential that was refused before any server took it is not
   * replaced: it is wrong, not expired, and asking again and again may lock an account.
   */
  replaced(proof: Proof): Promise<boolean>;
  /** Every secret that was ever sent, to be kept out of texts. */
  secrets(): ReadonlySet<string>;
}

/** `from`: where it is set, for hints. Throws NOT_AUTHORISED for what no header can carry: at once for one that stays, later for a provider's. */
export function createLogin(auth: Auth | AuthProvider, from: string): Login {
  const secrets = new Set<string>();
  const taken = new Set<string>();
  const proofOf = (one: Auth): Proof => {
    const header = headerOf(one, from);
    for (const secret of secretsOf(one, header)) secrets.add(secret);
    return { auth: one, header, headers: { ...(one.kind === "bearer" ? one.headers : undefined), authorization: header } };
  };
  const fixed = "kind" in auth ? proofOf(auth) : undefined;
  return {
    kind: "kind" in auth && auth.kind === "basic" ? "a user name and password" : "a bearer token",
    proof: async () => fixed ?? proofOf(await (auth as AuthProvider).current()),
    take: ({ header }) => void taken.add(header),
    wasTaken: ({ header }) => taken.has(header),
    async replaced(proof) {
      if ("kind" in auth || !taken.has(proof.header)) return false;
      const next = await auth.renew(proof.auth);
      return next !== undefined && proofOf(next).header !== proof.header;
    },
    secrets: () => secrets,
  };
}

export interface Obtained {
  readonly auth: Auth;
  /** Epoch ms from which it is no longer good; absent where nobody knows. */
  readonly expires?: number;
}

/**
 * A provider that obtains a credential when it is first needed, again shortly before it expires, and again when it was refused.
 * However many ask at a time, `obtain` runs once.
 */
export function renewing(obtain: () => Promise<Obtained>, now: () => number): AuthProvider {
  let held: Promise<Held> | undefined;
  const fetch = (): Promise<Held> => {
    const fetched = obtain().then(({ auth, expires = Infinity }) => {
      const renewAt = expires - RENEW_BEFORE_MS;
      // What comes with less than that is used until it is refused, or every request would ask for another.
      return { auth, renewAt: renewAt > now() ? renewAt : Infinity };
    });
    held = fetched;
    // A failure is for those who wait for it; the next request tries again.
    fetched.catch(() => {
      if (held === fetched) held = undefined;
    });
    return fetched;
  };
  /** What is held where it is another one already, since others were refused at the same time. */
  const another = async (old: Auth): Promise<Held> => {
    const there = await held?.catch(() => undefined);
    return there !== undefined && there.auth !== old ? there : fetch();
  };
  return {
    async current() {
      const { auth, renewAt } = await (held ?? fetch());
      return now() < renewAt ? auth : (await another(auth)).auth;
    },
    renew: async (refused) => (await another(refused)).auth,
  };
}

interface Held {
  readonly auth: Auth;
  /** Epoch ms. */
  readonly renewAt: number;
}

/** As long as a request may wait for its turn and travel. */
const RENEW_BEFORE_MS = 30_000;

/** The end of life that a JSON Web Token states itself (RFC 7519, 4.1.4), in epoch ms. */
export function expiryOf(token: string): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : undefined;
}

/** What a JSON Web Token says of itself; nothing for any other token. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const payload = token.split(".", 3)[1];
  if (payload === undefined) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Record<string, unknown>) : {};
  } catch {
    // Other tokens may have dots too.
    return {};
  }
}

function headerOf(auth: Auth, from: string): string {
  if (auth.kind === "basic") return `Basic ${Buffer.from(`${auth.username}:${auth.password}`, "utf8").toString("base64")}`;
  if (!/^[\x21-\x7e]+$/.test(auth.token)) {
    throw new MigrationError("NOT_AUTHORISED", "the bearer token is empty or has spaces, line ends or characters outside ASCII", {
      hint: `check ${from} for a stray line end`,
    });
  }
  return `Bearer ${auth.token}`;
}

function secretsOf(auth: Auth, header: string): string[] {
  const own =
    auth.kind === "basic"
      ? [auth.password, encodeURIComponent(auth.password.replace(/\p{Surrogate}/gu, "\ufffd"))]
      : Object.values(auth.headers ?? {});
  return [header, header.replace(/^\S+\s+/, ""), ...own];
}
