import fc from 'fast-check';
import { type GenAuthId, IdentityList, ManagementRefusedError, ManagementUnreachableError } from '../../src/genauth';
import { Directory, type UserIdentities } from '../../src/identities';
import { listOf } from '../support/identities';

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
/** Whom GenAuth does not know, and whose rows cannot be read. */
const isUnknown = (id: string): boolean => id.endsWith('7');
const isBroken = (id: string): boolean => id.endsWith('3');

/** What an answer says of a user: when it was asked, so that an answer older than its question gives itself away. */
function rowsOf(id: string, sentAt: number): IdentityList {
  return listOf([
    { identityId: String(sentAt), extIdpId: 'source', provider: 'p', type: 't', userIdInIdp: id, originConnIds: [] },
  ]);
}

/** A call that waits until it is told to go out, and then until it is told how it ends. */
class HeldCall {
  state: 'held' | 'sent' | 'ended' = 'held';
  readonly answer: Promise<Map<string, IdentityList | ManagementUnreachableError>>;
  readonly #draw: () => readonly GenAuthId[];
  #resolve: (found: Map<string, IdentityList | ManagementUnreachableError>) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #asked: readonly GenAuthId[] = [];
  #sentAt = 0;

  constructor(draw: () => readonly GenAuthId[]) {
    this.#draw = draw;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @returns Whom it asks for. */
  send(now: number): readonly GenAuthId[] {
    this.#asked = this.#draw();
    this.#sentAt = now;
    this.state = this.#asked.length === 0 ? 'ended' : 'sent';
    if (this.state === 'ended') this.#resolve(new Map());
    return this.#asked;
  }

  /** A call that is still held can fail, too: it was never let out. */
  end(how: Ending): void {
    const held = this.state === 'held';
    this.state = 'ended';
    if (held || how === 'failure') {
      this.#reject(new ManagementUnreachableError(ROUTE, held ? 'overloaded' : 'reset', held ? 'no' : 'maybe'));
    } else if (how === 'refusal') {
      this.#reject(new ManagementRefusedError(ROUTE, { refusal: 'not_found', statusCode: 404 }));
    } else {
      const known = this.#asked.filter((id) => !isUnknown(id));
      const broken = new ManagementUnreachableError(ROUTE, 'shape', 'maybe');
      this.#resolve(new Map(known.map((id) => [id, isBroken(id) ? broken : rowsOf(id, this.#sentAt)])));
    }
  }
}

class Model {
  /** What happened that must not. */
  readonly problems: string[] = [];
  readonly #calls: HeldCall[] = [];
  readonly #aborts: AbortController[] = [];
  readonly #directory: Directory;
  #now = 0;
  #loading = 0;

  constructor() {
    this.#directory = new Directory({
      management: {
        getUserBatch: (draw) => {
          const call = new HeldCall(draw);
          this.#calls.push(call);
          return call.answer;
        },
        getUserIdentities: (id) =>
          isUnknown(id)
            ? Promise.reject(new ManagementRefusedError(ROUTE, { refusal: 'not_found', statusCode: 404 }))
            : isBroken(id)
              ? Promise.reject(new ManagementUnreachableError(ROUTE, 'shape', 'maybe'))
              : Promise.resolve(rowsOf(id, this.#now)),
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
        this.#letOut(pick(this.#in('held'), next.which));
        break;
      case 'end':
        pick(this.#in('held', 'sent'), next.which)?.end(next.how);
        break;
      case 'advance':
        jest.advanceTimersByTime(next.ms);
    }
    await settled();
  }

  /** Lets every call go out and answers it: then nobody may be left waiting. */
  async finish(): Promise<void> {
    for (let rounds = 0; rounds < 3 || this.#in('held', 'sent').length > 0; rounds++) {
      this.#now++;
      this.#letOut(this.#in('held')[0]);
      this.#in('sent')[0]?.end('answer');
      jest.advanceTimersByTime(20);
      await settled();
    }
    if (this.#loading > 0 || this.#directory.waiting > 0) this.problems.push('somebody waits for ever');
  }

  #load(ids: readonly GenAuthId[]): void {
    const askedAt = this.#now;
    const controller = new AbortController();
    this.#aborts.push(controller);
    this.#loading++;
    void this.#directory.load(ids, controller.signal).then((results) => {
      this.#loading--;
      if (results.length !== ids.length) this.problems.push(`${results.length} results for ${ids.length} ids`);
      return results.forEach((result, index) => {
        const id = ids[index] ?? '';
        if (!isPossible(result, id, askedAt, controller.signal.aborted)) {
          const answer = result instanceof IdentityList ? result.toArray() : result;
          this.problems.push(`${id}, asked for at ${askedAt}, was answered ${JSON.stringify(answer)}`);
        }
      });
    });
  }

  #letOut(call: HeldCall | undefined): void {
    const asked = call?.send(this.#now) ?? [];
    if (asked.length > 50) this.problems.push(`a batch of ${asked.length}`);
    if (new Set(asked).size < asked.length) this.problems.push('a batch asks twice for one user');
  }

  #in(...states: HeldCall['state'][]): HeldCall[] {
    return this.#calls.filter(({ state }) => states.includes(state));
  }
}

/** A row that came from a call as old as the question could be of the time before it. */
function isPossible(result: UserIdentities | Error, id: string, askedAt: number, aborted: boolean): boolean {
  if (result === null) return isUnknown(id);
  if (result instanceof ManagementUnreachableError) return result.reason !== 'deadline' || aborted;
  if (result instanceof Error || isUnknown(id) || isBroken(id)) return false;
  return result.toArray().every((row) => row.userIdInIdp === id && Number(row.id) > askedAt);
}

/** Resolves when every promise that could be settled has told so. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 40; turns++) await Promise.resolve();
}

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % items.length];
}

describe('the directory under any order of loads and calls', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('gives everybody an answer of their own that is no older than their question', async () => {
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
