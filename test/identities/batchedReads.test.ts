import fc from 'fast-check';
import { type GenAuthId, ManagementRefusedError, ManagementUnreachableError, type UserRecord } from '../../src/genauth';
import { Turn } from '../../src/genauth/admission';
import { BatchedReads } from '../../src/identities';
import { userOf } from '../support/identities';

const ROUTE = 'GET /api/v3/get-user-batch';
type Ending = 'answer' | 'failure' | 'refusal';

type Command =
  | { kind: 'load'; users: number[] }
  | { kind: 'send'; which: number }
  | { kind: 'abort'; which: number }
  | { kind: 'end'; which: number; how: Ending }
  | { kind: 'advance'; ms: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('load'),
      users: fc.oneof(
        fc.array(fc.nat(200), { maxLength: 5 }),
        fc.array(fc.nat(200), { minLength: 40, maxLength: 130, size: 'max' }),
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('send', 'send', 'send', 'abort'), which: fc.nat(10) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end'),
      which: fc.nat(10),
      how: fc.constantFrom('answer', 'answer', 'failure', 'refusal'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.integer({ min: 0, max: 12 }) }) },
);

const idOf = (user: number): GenAuthId => `user-${user}` as GenAuthId;
/** Users whom GenAuth does not know, and users whose rows cannot be read. */
const isUnknown = (id: string): boolean => id.endsWith('7');
const isBroken = (id: string): boolean => id.endsWith('3');

/** The row of a user. Its id is the time at which the call was sent, so that a result older than its read is noticed. */
function recordOf(id: string, sentAt: number): UserRecord {
  return userOf(id, [
    { identityId: String(sentAt), extIdpId: 'source', provider: 'p', type: 't', userIdInIdp: id, originConnIds: [] },
  ]);
}

type Found = Map<string, UserRecord | ManagementUnreachableError>;

/** A call of the client, which gets its turn and its response when the model says so. */
class HeldCall {
  state: 'held' | 'admitted' | 'sent' | 'ended' = 'held';
  released = false;
  readonly turn: Promise<Turn>;
  readonly response: Promise<Found>;
  #admit: (turn: Turn) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #resolveResponse: (found: Found) => void = () => undefined;
  #rejectResponse: (error: Error) => void = () => undefined;
  #requested: readonly GenAuthId[] = [];
  #sentAt = 0;

  constructor() {
    this.turn = new Promise((resolve, reject) => {
      this.#admit = resolve;
      this.#reject = reject;
    });
    this.response = new Promise((resolve, reject) => {
      this.#resolveResponse = resolve;
      this.#rejectResponse = reject;
    });
  }

  /** Gives the call its turn. It ends here where nothing is sent. */
  admit(): void {
    this.state = 'admitted';
    this.#admit(
      new Turn(() => {
        this.released = true;
        if (this.state === 'admitted') this.state = 'ended';
      }),
    );
  }

  send(userIds: readonly GenAuthId[], now: number): Promise<Found> {
    this.#requested = userIds;
    this.#sentAt = now;
    this.state = 'sent';
    return this.response;
  }

  /** Ends a call that was sent, or refuses a turn to one that was not. */
  end(how: Ending): void {
    const held = this.state === 'held';
    this.state = 'ended';
    if (held) {
      this.released = true;
      this.#reject(new ManagementUnreachableError(ROUTE, 'overloaded', 'no'));
    } else if (how === 'failure') {
      this.#rejectResponse(new ManagementUnreachableError(ROUTE, 'reset', 'maybe'));
    } else if (how === 'refusal' && this.#requested.some(isUnknown)) {
      this.#rejectResponse(new ManagementRefusedError(ROUTE, { refusal: 'not_found', statusCode: 404 }));
    } else {
      const known = this.#requested.filter((id) => !isUnknown(id));
      const broken = new ManagementUnreachableError(ROUTE, 'shape', 'maybe');
      this.#resolveResponse(new Map(known.map((id) => [id, isBroken(id) ? broken : recordOf(id, this.#sentAt)])));
    }
  }
}

/** Answers a part of a rejected batch. GenAuth rejects it again where it has a user that GenAuth does not know. */
function readPart(ids: readonly GenAuthId[], now: number): Promise<Found> {
  if (ids.some(isUnknown)) {
    return Promise.reject(new ManagementRefusedError(ROUTE, { refusal: 'not_found', statusCode: 404, apiCode: 2004 }));
  }
  const broken = new ManagementUnreachableError(ROUTE, 'shape', 'maybe');
  return Promise.resolve(new Map(ids.map((id) => [id, isBroken(id) ? broken : recordOf(id, now)])));
}

class Model {
  /** The rules that were broken. */
  readonly problems: string[] = [];
  readonly #calls: HeldCall[] = [];
  readonly #aborts: AbortController[] = [];
  readonly #batchedReads: BatchedReads;
  #now = 0;
  #loading = 0;

  constructor() {
    this.#batchedReads = new BatchedReads({
      management: {
        awaitBatchTurn: () => {
          const call = new HeldCall();
          this.#calls.push(call);
          return call.turn;
        },
        getUserBatch: (userIds, { turn }) => {
          // A part of a rejected batch is read with a turn of its own.
          if (turn === undefined) return readPart(userIds, this.#now);
          const [call] = this.#in('admitted');
          if (call === undefined) throw new Error('a batch was sent without a turn');
          this.#check(userIds);
          return call.send(userIds, this.#now);
        },
      },
      callTimeoutMs: 1_000,
      onBatch: () => undefined,
    });
  }

  async run(next: Command): Promise<void> {
    this.#now++;
    switch (next.kind) {
      case 'load':
        this.#load(next.users.map(idOf));
        break;
      case 'abort':
        pick(this.#aborts, next.which)?.abort();
        break;
      case 'send':
        pick(this.#in('held'), next.which)?.admit();
        break;
      case 'end':
        pick(this.#in('held', 'sent'), next.which)?.end(next.how);
        break;
      case 'advance':
        jest.advanceTimersByTime(next.ms);
    }
    await settled();
  }

  /** Admits and answers every call. Afterwards no read may wait, and no turn may be taken. */
  async finish(): Promise<void> {
    for (let rounds = 0; rounds < 3 || this.#in('held', 'sent').length > 0; rounds++) {
      this.#now++;
      this.#in('held')[0]?.admit();
      await settled();
      this.#in('sent')[0]?.end('answer');
      jest.advanceTimersByTime(20);
      await settled();
    }
    if (this.#loading > 0 || this.#batchedReads.waiting > 0) this.problems.push('a read waits for ever');
    if (this.#calls.some(({ released }) => !released)) this.problems.push('a turn was never released');
  }

  #load(ids: readonly GenAuthId[]): void {
    const askedAt = this.#now;
    const controller = new AbortController();
    this.#aborts.push(controller);
    this.#loading++;
    void this.#batchedReads.load(ids, controller.signal).then((results) => {
      this.#loading--;
      if (results.length !== ids.length) this.problems.push(`${results.length} results for ${ids.length} ids`);
      return results.forEach((result, index) => {
        const id = ids[index] ?? '';
        if (!isPossible(result, id, askedAt, controller.signal.aborted)) {
          const answer = result instanceof Error ? result : (result?.identities?.toArray() ?? null);
          this.problems.push(`${id}, asked for at ${askedAt}, was answered ${JSON.stringify(answer)}`);
        }
      });
    });
  }

  #check(userIds: readonly GenAuthId[]): void {
    if (userIds.length === 0 || userIds.length > 50) this.problems.push(`a batch of ${userIds.length}`);
    if (new Set(userIds).size < userIds.length) this.problems.push('a batch asks twice for one user');
  }

  #in(...states: HeldCall['state'][]): HeldCall[] {
    return this.#calls.filter(({ state }) => states.includes(state));
  }
}

/** Whether a read may have this result. A row of a call that was sent before the read started may be out of date. */
function isPossible(result: UserRecord | null | Error, id: string, askedAt: number, aborted: boolean): boolean {
  if (result === null) return isUnknown(id);
  if (result instanceof ManagementUnreachableError) return result.reason !== 'deadline' || aborted;
  if (result instanceof Error || isUnknown(id) || isBroken(id)) return false;
  return (result.identities?.toArray() ?? []).every((row) => row.userIdInIdp === id && Number(row.id) > askedAt);
}

/** Lets all promises settle that can. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 40; turns++) await Promise.resolve();
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % items.length];
}

describe('batched reads under any order of reads and calls', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('give every read results that are its own and no older than the read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }), async (commands) => {
        const model = new Model();
        for (const next of commands) await model.run(next);
        await model.finish();
        expect(model.problems).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
