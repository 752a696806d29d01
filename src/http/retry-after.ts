// Reads the Retry-After header (RFC 9110, 10.2.3).

/**
 * The wait in ms that a `Retry-After` asks for: seconds, or a date held against the server's own `Date` (its clock may differ
 * from ours) or else `now`. Undefined when absent, unreadable, or no wait at all: then the usual back-off applies.
 */
export function retryAfterMs(value: string | undefined, serverDate: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : untilDate(text, serverDate, now);
  return ms > 0 ? ms : undefined;
}

/** NaN for an unreadable date, so that no comparison holds. */
function untilDate(text: string, serverDate: string | undefined, now: number): number {
  const reference = serverDate === undefined ? Number.NaN : Date.parse(serverDate);
  return Date.parse(text) - (Number.isNaN(reference) ? now : reference);
}
