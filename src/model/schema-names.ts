// Names of registered models in a schema of a catalog: three levels, of which the last one is made from a name that knew no such rules.

/** `CATALOG.SCHEMA`: neither part may hold what Unity Catalog refuses in names. */
export const SCHEMA = /^[^./\s\p{Cc}]{1,255}\.[^./\s\p{Cc}]{1,255}$/u;

/**
 * `Fraud Scorer (EU)` in `ml.prod` is `ml.prod.fraud_scorer_eu`: in lower case, as Unity Catalog keeps all names, and with letters, digits,
 * `_` and `-` alone, so that nobody has to quote it. The name before is not lost: it is the model's source id. Two names may become
 * one, which whoever maps them has to look at.
 */
export function nameInSchema(schema: string, name: string): string {
  const plain = name.toLowerCase().normalize("NFC").replace(AT_THE_ENDS, "").replace(BETWEEN, "_");
  return `${schema.toLowerCase()}.${plain === "" ? "_" : plain}`;
}

const AT_THE_ENDS = /^[^\p{L}\p{M}\p{N}_-]+|[^\p{L}\p{M}\p{N}_-]+$/gu;
const BETWEEN = /[^\p{L}\p{M}\p{N}_-]+/gu;
