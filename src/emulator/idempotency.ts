import type { Route } from '../genauth/api';
import type { RequestData } from './request';

/** A write that was executed with an idempotency key. */
interface Executed {
  /** The route and the parameters. A repetition must have the same. */
  request: string;
  data: unknown;
}

/** Bounds the memory. Beyond this number the oldest keys are forgotten. */
const MAX_KEYS = 10_000;

/** The data of executed writes, by idempotency key. */
export class IdempotencyKeys {
  readonly #executed = new Map<string, Executed>();

  record(key: string, route: Route, request: RequestData, data: unknown): void {
    if (this.#executed.has(key)) return;
    for (const oldest of this.#executed.keys()) {
      if (this.#executed.size < MAX_KEYS) break;
      this.#executed.delete(oldest);
    }
    this.#executed.set(key, { request: describe(route, request), data });
  }

  /** Finds an executed write with this key. `isSameRequest`: whether the route and the parameters are those of that write. */
  find(key: string, route: Route, request: RequestData): { isSameRequest: boolean; data: unknown } | undefined {
    const executed = this.#executed.get(key);
    if (executed === undefined) return undefined;
    return { isSameRequest: executed.request === describe(route, request), data: executed.data };
  }
}

function describe(route: Route, request: RequestData): string {
  return JSON.stringify([route, request]);
}
