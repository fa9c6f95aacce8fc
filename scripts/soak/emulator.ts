import { createPool, type Execution, type Fault, type SetFault, startEmulator } from '../../src/emulator';

/** What the process says to the one that started it, once it listens. */
export interface EmulatorReady {
  url: string;
  accessKeyId: string;
  accessKeySecret: string;
  userIds: string[];
  extIdpIds: string[];
}

/** How many of the calls go wrong, in whatever way. */
const FAULTY = 0.05;

const WAYS: readonly Fault[] = [
  'latency:500',
  'http-500',
  'http-502',
  'http-503',
  'http-429:1',
  'envelope-500',
  'envelope-404/2004',
  'envelope-401/1305',
  'success-false',
  'redirect',
  'reset-before-read',
  'reset-before-execute',
  'hang-before-execute',
  'reset-after-execute',
  'hang-after-execute',
  'half-close',
  'execute-late',
  'drip:5',
  'truncated-body',
  'truncated-json',
  'not-json',
  'empty',
  'wrong-shape',
  'no-data',
  'user-mismatch',
  'gzip-anyway',
  'oversized',
  'garbage',
];

/** How long somebody stays unlinked: longer than a lost answer is looked into. */
const RELINK_AFTER_MS = 30_000;

async function main(): Promise<void> {
  const seed = createPool({ users: 2_000, identitiesPerUser: 3 });
  const each = 1 - (1 - FAULTY) ** (1 / WAYS.length);
  const faults: SetFault[] = [{ fault: 'latency:10' }, ...WAYS.map((fault) => ({ fault, probability: each }))];
  const { store, ...emulator } = await startEmulator({ seed, qps: Infinity, faults: { '*': faults } });

  let unlinked: Execution[] = [];
  setInterval(() => {
    unlinked.push(...store.executions);
    store.clearExecutions();
    const due = Date.now() - RELINK_AFTER_MS;
    for (const { userId, extIdpId, at } of unlinked) {
      // As createPool made it: a user's name there is the user's number.
      if (at <= due) store.link(userId, { extIdpId, userIdInIdp: store.user(userId)?.profile.username ?? userId });
    }
    unlinked = unlinked.filter(({ at }) => at > due);
  }, 1_000);

  const { url, accessKeyId, accessKeySecret } = emulator;
  const userIds = store.users().map(({ profile }) => profile.userId);
  const extIdpIds = store.extIdps().map(({ id }) => id);
  process.send?.({ url, accessKeyId, accessKeySecret, userIds, extIdpIds } satisfies EmulatorReady);
  process.on('disconnect', () => process.exit());
}

void main();
