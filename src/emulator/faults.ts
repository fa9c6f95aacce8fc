import type { Route } from '../genauth/api';
import { OPERATIONS } from './operations';

/**
 * Every fault, how it is written, whether the operation is executed all the same, and what the caller sees. A fault that
 * does not execute comes before the gate: it also meets requests that would have been refused.
 */
export const FAULTS = {
  latency: ['latency:MS', 'executed', 'comes that much later; any other fault may come on top'],
  http: ['http-STATUS', 'not executed', 'that HTTP status with an HTML page, as a gateway answers'],
  'http-429': ['http-429[:RETRY-AFTER]', 'not executed', 'HTTP 429 with the documented body, and the header as given'],
  envelope: ['envelope-STATUSCODE[/APICODE]', 'not executed', 'an envelope with these codes under HTTP 200'],
  'success-false': ['success-false', 'not executed', 'an envelope of 200 whose data says success false'],
  redirect: ['redirect', 'not executed', 'HTTP 307 to another path of the same host'],
  'reset-before-read': ['reset-before-read', 'not executed', 'the connection is reset before the body is read'],
  'reset-before-execute': ['reset-before-execute', 'not executed', 'the connection is reset once the request is read'],
  'hang-before-execute': ['hang-before-execute', 'not executed', 'no answer, ever'],
  'reset-after-execute': ['reset-after-execute', 'executed', 'the connection is reset instead of an answer'],
  'hang-after-execute': ['hang-after-execute', 'executed', 'no answer, ever'],
  'half-close': ['half-close', 'executed', 'the connection is ended (FIN, not RST) instead of an answer'],
  'execute-late': ['execute-late[:MS]', 'executed late', 'the connection is reset, and executed 1000 ms after that'],
  drip: ['drip[:MS]', 'executed', 'the answer, one byte every 100 ms'],
  'truncated-body': ['truncated-body', 'executed', 'the connection ends in the middle of a body of declared length'],
  'truncated-json': ['truncated-json', 'executed', 'half of the JSON, as a whole answer'],
  'not-json': ['not-json', 'executed', 'HTTP 200 with an HTML page'],
  empty: ['empty', 'executed', 'HTTP 200 without a body'],
  'wrong-shape': ['wrong-shape', 'executed', 'lists as one object, objects as a list, and success as a text'],
  'no-data': ['no-data', 'executed', 'an envelope of 200 without data'],
  'user-mismatch': ['user-mismatch', 'executed', 'reads answer about another user than the one asked for'],
  'gzip-anyway': ['gzip-anyway', 'executed', 'the answer is compressed, whatever the request accepts'],
  oversized: ['oversized', 'executed', 'the answer, padded to 16 MiB'],
  garbage: ['garbage', 'executed', 'bytes that are not HTTP'],
} as const satisfies Record<string, readonly [string, 'executed' | 'executed late' | 'not executed', string]>;

export type FaultKind = keyof typeof FAULTS;

/** A fault as it is written, in code, on the command line and over HTTP. */
export type Fault =
  | Exclude<FaultKind, 'latency' | 'http' | 'envelope'>
  | `latency:${number}`
  | `http-${number}`
  | `http-429:${string}`
  | `envelope-${number}`
  | `envelope-${number}/${number}`
  | `execute-late:${number}`
  | `drip:${number}`;

/** A fault, taken apart. */
export interface Plan {
  fault: Fault;
  kind: FaultKind;
  /** Milliseconds, HTTP status or statusCode; which of them, the kind says. */
  number: number;
  apiCode?: number;
  retryAfter?: string;
}

export interface FaultOptions {
  /** Default: until cleared. How many calls it meets, those to come first. */
  times?: number;
  /** Default 1. How likely it meets a call, 0 to 1. */
  probability?: number;
}

/** A fault that is set, as the control surface shows it. */
export interface SetFault extends FaultOptions {
  fault: Fault;
}

/** A route as in `api.ts`, the last part of its path, or `*` for every route. */
export type FaultRoute = Route | (string & {});

type Active = SetFault & { plan: Plan; left: number };

/** Which faults meet the calls to which routes. May be changed at any time; a call keeps what it met on arrival. */
export class Faults {
  readonly #active = new Map<string, Active[]>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Sets the faults of a route, in place of all it had. Of several the first that meets a call takes effect; latencies
   * come on top of it.
   *
   * @throws {RangeError} There is no such route or fault, or an option is out of range. Then nothing is changed.
   */
  set(route: FaultRoute, fault: Fault | readonly SetFault[], options: FaultOptions = {}): void {
    const name = resolveRoute(route);
    const active = (typeof fault === 'string' ? [{ fault, ...options }] : fault).map(activate);
    if (active.length === 0) this.#active.delete(name);
    else this.#active.set(name, active);
  }

  /** Clears the faults of one route. Default: of all of them. */
  clear(route?: FaultRoute): void {
    if (route === undefined) this.#active.clear();
    else this.#active.delete(resolveRoute(route));
  }

  /** What is set, by route; `times` counts down. */
  list(): Record<string, SetFault[]> {
    return Object.fromEntries(
      [...this.#active].map(([route, actives]) => [
        route,
        actives.map(({ fault, left, probability }) => ({
          fault,
          ...(left === Infinity ? {} : { times: left }),
          ...(probability === undefined ? {} : { probability }),
        })),
      ]),
    );
  }

  /** Decides what meets a call that has just arrived. */
  draw(route: Route): { latencyMs: number; plan: Plan | null } {
    let latencyMs = 0;
    let plan: Plan | null = null;
    if (this.#active.size === 0) return { latencyMs, plan };
    for (const name of [route, '*']) {
      for (const active of this.#active.get(name) ?? []) {
        if (active.left < 1 || (plan !== null && active.plan.kind !== 'latency')) continue;
        if (active.probability !== undefined && this.#random() >= active.probability) continue;
        active.left -= 1;
        if (active.plan.kind === 'latency') latencyMs += active.plan.number;
        else plan = active.plan;
      }
      const actives = this.#active.get(name)?.filter((active) => active.left >= 1);
      if (actives?.length === 0) this.#active.delete(name);
      else if (actives !== undefined) this.#active.set(name, actives);
    }
    return { latencyMs, plan };
  }
}

/** @throws {RangeError} There is no such fault, or an option is out of range. */
export function checkFault(fault: SetFault): void {
  activate(fault);
}

function activate({ fault, times, probability }: SetFault): Active {
  const plan = parseFault(fault);
  if (times !== undefined && !(Number.isInteger(times) && times >= 1)) {
    throw new RangeError('"times" must be a whole number from 1');
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
    throw new RangeError('"probability" must be a number from 0 to 1');
  }
  return { fault, plan, left: times ?? Infinity, ...(probability === undefined ? {} : { probability }) };
}

/**
 * Reads a fault.
 *
 * @throws {RangeError} There is none that is written so; the message lists those there are.
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

/** The faults that take a time. `latency` has no default. */
const DEFAULT_MS: ReadonlyMap<string, number> = new Map([
  ['latency', NaN],
  ['drip', 100],
  ['execute-late', 1000],
]);

function isPlain(kind: string): kind is FaultKind {
  return Object.hasOwn(FAULTS, kind) && kind !== 'http' && kind !== 'envelope';
}

/**
 * Finds a route by its full name or the last part of its path.
 *
 * @throws {RangeError} There is none of that name.
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
