import { createPool, type Execution, type Fault, type SetFault, startEmulator } from '../../src/emulator';
import { FAULTS } from '../../src/emulator/faults';
import { serveParent } from '../parent';

/** What the load needs to know of the emulator. */
export interface EmulatorAddress {
  url: string;
  accessKeyId: string;
  accessKeySecret: string;
  userIds: string[];
  extIdpIds: string[];
}

/** The share of calls that meet a fault of any kind. */
const FAULTY = 0.05;

/** The faults that take a value. The others are taken from the emulator's own list. */
const FAULTS_WITH_VALUE: Readonly<Record<string, readonly Fault[]>> = {
  latency: ['latency:500'],
  http: ['http-500', 'http-502', 'http-503'],
  'http-429': ['http-429:1'],
  envelope: ['envelope-500', 'envelope-404/2004', 'envelope-401/1305'],
  drip: ['drip:5'],
};

/** How long an identity stays unlinked. Longer than the subgraph reads to settle a lost response. */
const RELINK_AFTER_MS = 30_000;

const address = start();
serveParent(() => address);

async function start(): Promise<EmulatorAddress> {
  const seed = createPool({ users: 2_000, identitiesPerUser: 3 });
  const all = Object.keys(FAULTS).flatMap((kind) => FAULTS_WITH_VALUE[kind] ?? [kind as Fault]);
  const probability = 1 - (1 - FAULTY) ** (1 / all.length);
  const faults: SetFault[] = [{ fault: 'latency:10' }, ...all.map((fault) => ({ fault, probability }))];
  const { store, url, accessKeyId, accessKeySecret } = await startEmulator({
    seed,
    qps: Infinity,
    faults: { '*': faults },
  });

  let unlinked: Execution[] = [];
  setInterval(() => {
    unlinked.push(...store.executions);
    store.clearExecutions();
    const due = Date.now() - RELINK_AFTER_MS;
    for (const { userId, extIdpId, at } of unlinked) {
      // createPool gives each user a number, as user name and as id at every identity source.
      if (at <= due) store.link(userId, { extIdpId, userIdInIdp: store.user(userId)?.profile.username ?? userId });
    }
    unlinked = unlinked.filter(({ at }) => at > due);
  }, 1_000);

  const userIds = store.users().map(({ profile }) => profile.userId);
  const extIdpIds = store.extIdps().map(({ id }) => id);
  return { url, accessKeyId, accessKeySecret, userIds, extIdpIds };
}
