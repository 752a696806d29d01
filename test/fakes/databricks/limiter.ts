// The workspace's limits of requests per second, a bucket for each group of routes.
import { Refused } from "./answer.ts";
import type { Rules } from "./rules.ts";

export interface Limiter {
  /** Throws 429 when the group of the route has no request left in this second. */
  take(route: string): void;
}

export function createLimiter({ ratePerSecond, retryAfter }: Rules, now: () => number): Limiter {
  const used = new Map<string, { second: number; count: number }>();
  return {
    take(route) {
      const group = groupOf(route);
      const limit = ratePerSecond[group];
      if (limit === undefined) return;
      const second = Math.floor(now() / 1000);
      const bucket = used.get(group);
      const count = bucket?.second === second ? bucket.count + 1 : 1;
      used.set(group, { second, count });
      if (count <= limit) return;
      const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
      throw new Refused(429, "REQUEST_LIMIT_EXCEEDED", `Too many requests: limit is ${limit} per second`, headers);
    },
  };
}

/** As the older MLflow API page of Databricks groups them. */
function groupOf(route: string): "search" | "write" | "other" {
  if (/\/(runs\/search|experiments\/(list|search|update|delete|restore))$/.test(route)) return "search";
  return /\/runs\/log-batch$/.test(route) ? "write" : "other";
}
