import type { Route } from '../genauth/api';
import { OPERATIONS } from './operations';

/**
 * Every fault: how it is written, whether the operation is executed all the same, and what the client gets. A fault that
 * does not execute takes effect before authentication, so that it also meets requests that would be refused.
 *
 * `--help` and the table in docs/emulator.md are derived from this table.
 */
export const FAULTS = {
  latency: ['latency:MS', 'executed', 'the response is delayed; combines with any other fault'],
  http: ['http-STATUS', 'not executed', 'this HTTP status with an HTML page, as a gateway sends it'],
  'http-429': ['http-429[:RETRY-AFTER]', 'not executed', 'HTTP 429 with the documented body, and this Retry-After'],
  envelope: ['envelope-STATUSCODE[/APICODE]', 'not executed', 'an envelope with these codes in HTTP 200'],
  'route-missing': ['route-missing', 'not executed', 'HTTP 404 without an apiCode, as for a route that does not exist'],
  'success-false': ['success-false', 'not executed', 'an envelope of 200 whose data has success false'],
  redirect: ['redirect', 'not executed', 'HTTP 307 to another path of the same host'],
  'reset-before-read': ['reset-before-read', 'not executed', 'the connection is reset before the body is read'],
  'reset-before-execute': ['reset-before-execute', 'not executed', 'the connection is reset after the body is read'],
  'hang-before-execute': ['hang-before-execute', 'not executed', 'no response; the connection stays open'],
  'reset-after-execute': ['reset-after-execute', 'executed', 'the connection is reset instead of a response'],
  'hang-after-execute': ['hang-after-execute', 'executed', 'no response; the connection stays open'],
  'half-close': ['half-close', 'executed', 'the connection is ended (FIN, not RST) instead of a response'],
  'execute-late': ['execute-late[:MS]', 'executed late', 'the connection is reset; executed 1000 ms (or MS) later'],
  drip: ['drip[:MS]', 'executed', 'the response, one byte every 100 ms (or MS)'],
  'truncated-body': ['truncated-body', 'executed', 'the connection ends in the middle of a body of declared length'],
  'truncated-json': ['truncated-json', 'executed', 'half of the JSON, as a complete response'],
  'not-json': ['not-json', 'executed', 'HTTP 200 with an HTML page'],
  empty: ['empty', 'executed', 'HTTP 200 without a body'],
  'wrong-shape': ['wrong-shape', 'executed', 'lists as one object, objects as a list, success as a text'],
  'no-data': ['no-data', 'executed', 'an envelope of 200 without data'],
  'user-mismatch': ['user-mismatch', 'executed', 'reads return another user than the one requested'],
  'gzip-anyway': ['gzip-anyway', 'executed', 'the response is compressed, whatever the request accepts'],
  oversized: ['oversized', 'executed', 'the response, padded to 16 MiB'],
  garbage: ['garbage', 'executed', 'bytes that are not HTTP'],
} as const satisfies Record<string, readonly [string, 'executed' | 'executed late' | 'not executed', string]>;

export type FaultKind = keyof typeof FAULTS;

/** A fault as it is written in code, on the command line and over HTTP. */
export type Fault =
  | Exclude<FaultKind, 'latency' | 'http' | 'envelope'>
  | `latency:${number}`
  | `http-${number}`
  | `http-429:${string}`
  | `envelope-${number}`
  | `envelope-${number}/${number}`
  | `execute-late:${number}`
  | `drip:${number}`;

/** A parsed fault. */
export interface Plan {
  fault: Fault;
  kind: FaultKind;
  /** Milliseconds, an HTTP status or a statusCode, depending on the kind. */
  number: number;
  apiCode?: number;
  retryAfter?: string;
}

/**
 * Parses a fault.
 *
 * @throws {RangeError} There is no such fault. The message lists all faults.
 */
export function parseFault(text: string): Plan {
  const fault = text as Fault;
  const status = /^(http|envelope)-(\d{3})(?:\/(\d{1,9}))?$/.exec(text);
  if (status !== null && text !== 'http-429') {
    const kind = status[1] === 'http' ? 'http' : 'envelope';
    const number = Number(status[2]);
    const fits = kind === 'envelope' || (status[3] === undefined && number >= 200 && number < 600 && number !== 204);
    if (fits) return { fault, kind, number, ...(status[3] === undefined ? {} : { apiCode: Number(status[3]) }) };
  } else if (text.startsWith('http-429:')) {
    const retryAfter = text.slice('http-429:'.length);
    if (/^[ -~]+$/.test(retryAfter)) return { fault, kind: 'http-429', number: 429, retryAfter };
  } else {
    const [kind = '', ms] = text.split(':', 2);
    const timed = DEFAULT_MS.get(kind);
    if (timed === undefined && ms === undefined && isPlain(kind)) return { fault, kind, number: 0 };
    const number = ms === undefined ? (timed ?? NaN) : /^\d{1,7}$/.test(ms) ? Number(ms) : NaN;
    if (timed !== undefined && !Number.isNaN(number)) return { fault, kind: kind as FaultKind, number };
  }
  const known = Object.values(FAULTS).map(([written]) => written);
  throw new RangeError(`unknown fault "${text}"; there are ${known.join(', ')}`);
}

/** The faults with a duration, and its default. `latency` has no default. */
const DEFAULT_MS: ReadonlyMap<string, number> = new Map([
  ['latency', NaN],
  ['drip', 100],
  ['execute-late', 1000],
]);

function isPlain(kind: string): kind is FaultKind {
  return Object.hasOwn(FAULTS, kind) && kind !== 'http' && kind !== 'envelope';
}

/** A route as in `api.ts`, the last part of its path, or `*` for every route. */
export type FaultRoute = Route | (string & {});

/**
 * Finds a route by its full name or the last part of its path.
 *
 * @throws {RangeError} There is no such route.
 */
export function resolveRoute(name: string): Route | '*' {
  if (name === '*') return name;
  const routes = Object.keys(OPERATIONS) as Route[];
  const route = routes.find((known) => known === name || known.endsWith(`/${name}`));
  if (route !== undefined) return route;
  throw new RangeError(
    `unknown route "${name}"; there are *, ${routes.map((known) => known.split('/').at(-1)).join(', ')}`,
  );
}
