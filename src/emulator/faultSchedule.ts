import type { Route } from '../genauth/api';
import { type Fault, type FaultRoute, parseFault, type Plan, resolveRoute } from './faults';

export interface FaultOptions {
  /** Default: until cleared. How many of the next calls the fault meets. */
  times?: number;
  /** Default 1. The probability that the fault meets a call, from 0 to 1. */
  probability?: number;
  /** Default: any. The fault meets only calls that name this user, by id or by an account in a reverse look-up. */
  userId?: string;
}

/** A fault that is set, as the control surface shows it. */
export interface SetFault extends FaultOptions {
  fault: Fault;
}

type Active = SetFault & { plan: Plan; left: number };

/** The faults of one call: a delay, and at most one other fault. */
export interface Draw {
  latencyMs: number;
  plan: Plan | null;
}

/** The faults that are set, by route. They can be changed at any time; a call keeps those that met it on arrival. */
export class Faults {
  readonly #active = new Map<string, Active[]>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Sets the faults of a route, and removes those that it had. The first that meets a call takes effect; latencies are
   * added to it. Faults for one user come after all others, because the request must be read before they are decided.
   *
   * @throws {RangeError} There is no such route or fault, or an option is out of range. Then nothing is changed.
   */
  set(route: FaultRoute, fault: Fault | readonly SetFault[], options: FaultOptions = {}): void {
    const name = resolveRoute(route);
    const active = (typeof fault === 'string' ? [{ fault, ...options }] : fault).map(activate);
    if (active.length === 0) this.#active.delete(name);
    else this.#active.set(name, active);
  }

  /** Clears the faults of one route. Default: of all routes. */
  clear(route?: FaultRoute): void {
    if (route === undefined) this.#active.clear();
    else this.#active.delete(resolveRoute(route));
  }

  /** Returns the faults that are set, by route. `times` counts down. */
  list(): Record<string, SetFault[]> {
    return Object.fromEntries(
      [...this.#active].map(([route, actives]) => [
        route,
        actives.map(({ plan: _plan, left, times: _times, ...set }) => ({
          ...set,
          ...(left === Infinity ? {} : { times: left }),
        })),
      ]),
    );
  }

  /** Decides which faults meet a call that has just arrived. */
  draw(route: Route): Draw {
    return this.#draw(route, ({ userId }) => userId === undefined);
  }

  /** Decides which faults for single users meet a call. `names`: whether the call names a user. */
  drawFor(route: Route, names: (userId: string) => boolean): Draw {
    return this.#draw(route, ({ userId }) => userId !== undefined && names(userId));
  }

  #draw(route: Route, applies: (active: Active) => boolean): Draw {
    let latencyMs = 0;
    let plan: Plan | null = null;
    if (this.#active.size === 0) return { latencyMs, plan };
    for (const name of [route, '*']) {
      for (const active of this.#active.get(name) ?? []) {
        if (!applies(active) || active.left < 1 || (plan !== null && active.plan.kind !== 'latency')) continue;
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

function activate({ fault, times, probability, userId }: SetFault): Active {
  const plan = parseFault(fault);
  if (times !== undefined && !(Number.isInteger(times) && times >= 1)) {
    throw new RangeError('"times" must be a whole number from 1');
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
    throw new RangeError('"probability" must be a number from 0 to 1');
  }
  if (userId !== undefined && (typeof userId !== 'string' || plan.kind === 'reset-before-read')) {
    throw new RangeError('"userId" must be a text, and cannot be combined with reset-before-read');
  }
  return {
    fault,
    plan,
    left: times ?? Infinity,
    ...(probability === undefined ? {} : { probability }),
    ...(userId === undefined ? {} : { userId }),
  };
}
