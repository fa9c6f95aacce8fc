import { setTimeout as delay } from 'node:timers/promises';
import { judge, type Judgement, type TypedText } from '../client';
import { UnavailableError } from './errors';
import type { Reply, Supergraph } from './supergraph';
import { readUsers, type UserRead } from './users';

type Field = 'unlinkIdentity' | 'linkIdentity' | 'revokeSessions';

/** Nothing was executed, because no connection to the supergraph could be established. */
export interface Unreachable {
  kind: 'notExecuted';
  code: 'UNREACHABLE';
  retryAfterMs: number;
  operationId: null;
}

export interface Mutation<Data, Variables> {
  document: TypedText<Data, Variables>;
  variables: Variables;
  /** Called before the first request is sent, with its `x-request-id`. */
  onSend?: (xRequestId: string) => Promise<void>;
}

/**
 * Sends a mutation. Repeats it only if nothing was executed and a repetition can help, after a pause of all requests.
 *
 * @throws {StopError} If nothing was sent. After the first request, the judgement is returned instead.
 */
export async function mutate<Name extends Field, Data, Variables>(
  supergraph: Supergraph,
  field: Name,
  { document, variables, onSend }: Mutation<Data, Variables>,
): Promise<Judgement<Name> | Unreachable> {
  const { pace, signal, attempts } = supergraph;
  const { successes } = pace;
  const xRequestId = supergraph.createRequestId();
  await pace.turn(signal);
  await onSend?.(xRequestId);
  for (let attempt = 1; ; attempt++) {
    const sentAt = performance.now();
    const reply = await supergraph.send(document, variables, xRequestId);
    const judgement = judgeReply(reply, field);
    // A refusal takes less time than a write, and a sign-out may take more.
    if (judgement.kind === 'done' && field !== 'revokeSessions') {
      supergraph.concurrency.observe(performance.now() - sentAt);
    }
    if (judgement.kind === 'unknown') {
      pace.pause(reply.kind === 'lost' ? reply.retryAfterMs : 0);
      return judgement;
    }
    if (judgement.kind !== 'notExecuted' || judgement.retryAfterMs === undefined) {
      pace.succeeded();
      return judgement;
    }
    pace.pause(judgement.retryAfterMs);
    if (attempt >= attempts) {
      // Without any success meanwhile, the fault is not that of one user.
      const isOutage = pace.successes === successes;
      if (isOutage) supergraph.stop(new UnavailableError(`Nothing can be changed (${judgement.code}).`));
      return judgement;
    }
    try {
      await pace.turn(signal);
    } catch {
      return judgement;
    }
  }
}

function judgeReply<Name extends Field>(reply: Reply<unknown>, field: Name): Judgement<Name> | Unreachable {
  if (reply.kind === 'notSent') return { kind: 'notExecuted', code: 'UNREACHABLE', retryAfterMs: 0, operationId: null };
  return judge(reply.kind === 'response' ? reply.body : null, field);
}

/** The pauses before the reads that settle an unknown outcome, in milliseconds. */
const SETTLE_PAUSES_MS = [500, 2_000, 5_000];

/**
 * Reads a user until a read shows the state that a mutation asks for.
 *
 * @returns The last read: a user, null for no such user, or a text if the user could not be read.
 */
export async function settle(
  supergraph: Supergraph,
  userId: string,
  isReached: (read: UserRead) => boolean,
): Promise<UserRead> {
  let last: UserRead = 'NOT_READ';
  try {
    for (const ms of SETTLE_PAUSES_MS) {
      await delay(ms, undefined, { signal: supergraph.signal });
      last = (await readUsers(supergraph, [userId]))[0] ?? null;
      if (isReached(last)) return last;
    }
  } catch {
    // The run is stopping, or nothing can be read. The next run reads again.
  }
  return last;
}
