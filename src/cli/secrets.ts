// Keeps credentials out of everything that is written: what is known to be secret is blanked out of every text.
/** Not those that only say where a secret is. */
const SECRET_VARIABLE = /(^|_)(TOKEN|PASSWORD|SECRET|ACCESS_KEY|CONNECTION_STRING)(_|$)(?!(.*_)?(ENV|FILE|FILEPATH)$)/;
const PROXY_VARIABLE = /^(https?|all)_proxy$/i;

/** Shorter values would blank out parts of ordinary words, in names and values of the registry too; the HTTP client has its own net. */
const SHORTEST = 8;

/** The secrets of one process. */
export interface Secrets {
  /** A secret that came from elsewhere than the environment, such as a fresh token. */
  readonly add: (value: string) => void;
  /** Replaces every secret that is known by now with `***`, wherever in a text it stands. */
  readonly scrub: (text: string) => string;
}

/** Knows the secrets of the environment by the names of their variables. */
export function createSecrets(env: Readonly<Record<string, string | undefined>>): Secrets {
  const forms = new Set<string>();
  let ordered: readonly string[] = [];
  const add = (value: string): void => {
    for (const form of [value, encodeURIComponent(value.replace(/\p{Surrogate}/gu, "\ufffd")), JSON.stringify(value).slice(1, -1)]) {
      if (form.length >= SHORTEST) forms.add(form);
    }
    // Longest first, so that a secret within another leaves no rest.
    ordered = [...forms].sort((a, b) => b.length - a.length);
  };
  for (const [name, value = ""] of Object.entries(env)) {
    if (SECRET_VARIABLE.test(name)) add(value);
    // Azure's: other parts of it are no secrets.
    add(/(?:^|;)AccountKey=([^;]+)/.exec(value)?.[1] ?? "");
    if (PROXY_VARIABLE.test(name)) add(URL.parse(value)?.password ?? "");
  }
  return { add, scrub: (text) => ordered.reduce((left, secret) => left.replaceAll(secret, "***"), text) };
}
