import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type GenAuthId,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Unreachability,
  UserRecord,
} from '../../src/genauth';
import { Turn } from '../../src/genauth/admission';
import { BatchedReads } from '../../src/identities';
import { userOf } from '../support/identities';

const ROUTE = 'GET /api/v3/get-user-batch';
/** The result of a call for a list of users that contains such a user. */
const FAULTS = ['too_large', 'internal_error', 'not_json', 'shape', 'empty', 'upstream_unclear', 'rejected'] as const;
type Fault = (typeof FAULTS)[number];

const idOf = (user: number): GenAuthId => `user-${user}` as GenAuthId;
const IDS = Array.from({ length: 50 }, (_, user) => idOf(user));

function errorOf(fault: Fault): Error {
  return fault === 'rejected'
    ? new ManagementRefusedError(ROUTE, { refusal: 'rejected', statusCode: 400 })
    : new ManagementUnreachableError(ROUTE, fault satisfies Unreachability, 'maybe');
}

/** A client whose calls fail if they have a user with a fault. */
class FaultyClient {
  readonly faults = new Map<string, Fault>();
  readonly sizes: number[] = [];
  readonly reads: BatchedReads;
  mostParts = 0;
  #parts = 0;

  constructor() {
    this.reads = new BatchedReads({
      management: {
        awaitBatchTurn: () => Promise.resolve(new Turn(() => undefined)),
        getUserBatch: async (userIds, { turn: ofBatch }) => {
          this.sizes.push(userIds.length);
          if (ofBatch === undefined) this.mostParts = Math.max(this.mostParts, ++this.#parts);
          await turn();
          if (ofBatch === undefined) this.#parts--;
          const fault = userIds.map((id) => this.faults.get(id)).find((found) => found !== undefined);
          if (fault !== undefined) throw errorOf(fault);
          return new Map(userIds.map((id) => [id, userOf(id, [])]));
        },
      },
      callTimeoutMs: 60_000,
      onBatch: () => undefined,
    });
  }

  load(ids: readonly GenAuthId[]) {
    return this.reads.load(ids, new AbortController().signal);
  }

  takeSizes(): number[] {
    return this.sizes.splice(0);
  }
}

describe('faults in the data of some of 50 users', () => {
  const faults = fc.uniqueArray(fc.tuple(fc.nat(49), fc.constantFrom(...FAULTS)), {
    selector: ([user]) => user,
    maxLength: 50,
    size: 'max',
  });

  test('affect these users alone, with at most 64 extra calls, of which 4 are concurrent', async () => {
    await fc.assert(
      fc.asyncProperty(faults, async (chosen) => {
        const client = new FaultyClient();
        for (const [user, fault] of chosen) client.faults.set(idOf(user), fault);
        const results = await client.load(IDS);
        results.forEach((result, index) => {
          const fault = client.faults.get(IDS[index] ?? '');
          if (fault === undefined) expect(result).toBeInstanceOf(UserRecord);
          else expect(result).toMatchObject(fault === 'rejected' ? { refusal: fault } : { reason: fault });
        });
        expect(client.sizes.length).toBeLessThanOrEqual(1 + 64);
        expect(client.mostParts).toBeLessThanOrEqual(4);
      }),
      { numRuns: 200 },
    );
  });

  test('cost 64 extra calls if all users have one, and at most 14 if one user has one', async () => {
    const client = new FaultyClient();
    for (const id of IDS) client.faults.set(id, 'internal_error');
    await client.load(IDS);
    expect(client.sizes).toHaveLength(1 + 64);
    for (const id of IDS) {
      const other = new FaultyClient();
      other.faults.set(id, 'too_large');
      await other.load(IDS);
      expect(other.sizes.length).toBeLessThanOrEqual(1 + 14);
    }
  });
});

describe('a user whose read failed alone', () => {
  test('is read in a call of its own, and the others in one call', async () => {
    const client = new FaultyClient();
    client.faults.set(idOf(7), 'internal_error');
    await client.load(IDS);
    client.takeSizes();
    const results = await client.load(IDS);
    expect(results.filter((result) => result instanceof Error)).toHaveLength(1);
    expect(client.takeSizes().sort((a, b) => a - b)).toEqual([1, 49]);
  });

  test('is read with the others again after its read has succeeded', async () => {
    const client = new FaultyClient();
    client.faults.set(idOf(7), 'internal_error');
    await client.load(IDS);
    client.faults.clear();
    await client.load(IDS);
    client.takeSizes();
    await client.load(IDS);
    expect(client.takeSizes()).toEqual([50]);
  });

  test('has one call at a time, which concurrent reads share', async () => {
    const client = new FaultyClient();
    client.faults.set(idOf(7), 'internal_error');
    await client.load(IDS);
    client.takeSizes();
    client.mostParts = 0;
    const results = await Promise.all(Array.from({ length: 100 }, () => client.load([idOf(7)])));
    expect(results.flat().every((result) => result instanceof Error)).toBe(true);
    expect(client.takeSizes()).toEqual([1]);
    expect(client.mostParts).toBe(1);
  });
});

describe('an outage', () => {
  test.each(['http_error', 'timeout', 'reset'] as const)('with %s does not cause extra calls', async (reason) => {
    const sizes: number[] = [];
    const reads = new BatchedReads({
      management: {
        awaitBatchTurn: () => Promise.resolve(new Turn(() => undefined)),
        getUserBatch: (userIds) => {
          sizes.push(userIds.length);
          return Promise.reject(new ManagementUnreachableError(ROUTE, reason, 'maybe'));
        },
      },
      callTimeoutMs: 60_000,
      onBatch: () => undefined,
    });
    const results = await reads.load(IDS, new AbortController().signal);
    expect(results.every((result) => result instanceof ManagementUnreachableError)).toBe(true);
    expect(sizes).toEqual([50]);
  });
});
