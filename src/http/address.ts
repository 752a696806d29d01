// Where requests go: base address, credentials and query.
/** Order is kept, keys may repeat. */
export type Query = readonly (readonly [string, string])[];
