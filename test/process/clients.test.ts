import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Emulator, startEmulator } from '../../src/emulator';
import { BODY, raw } from '../http/strangeBytes';
import { type Main, startMain } from '../support/main';
import { ask, ENTITIES, representations } from '../support/stack';

const USER = 'a'.repeat(24);
const SOURCE = 'b'.repeat(24);
/** The memory limit of the container in deploy/kubernetes. */
const MAX_RSS = 512 * 1024 * 1024;

describe('dist/main.js with a heap of 256 MB', () => {
  let emulator: Emulator;
  let main: Main;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    const identity = { extIdpId: SOURCE, userIdInIdp: 'someone', userInfoInIdp: { photo: 'x'.repeat(200_000) } };
    emulator = await startEmulator({
      seed: { extIdps: [{ id: SOURCE, name: 'Directory', type: 'ad' }], users: [{ id: USER, identities: [identity] }] },
      qps: Infinity,
    });
    main = await startMain(emulator, { GENAUTH_MAX_QPS: '100000' }, ['--max-old-space-size=256']);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await main.stop('SIGKILL');
    await emulator.close();
  });

  async function open(bytes: string): Promise<void> {
    const socket = connect(Number(new URL(main.url).port), '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    socket.pause();
    socket.write(bytes);
  }

  async function residentBytes(): Promise<number> {
    const metrics = await (await fetch(`${main.adminUrl}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  }

  /** Runs an attack while a client reads, and returns the responses of that client and the largest memory of the process. */
  async function readDuring(attack: () => Promise<void>): Promise<{ errors: readonly unknown[]; rss: number }> {
    const errors: unknown[] = [];
    let rss = 0;
    const attacked = attack().then(() => pause(1_000, true));
    while ((await Promise.race([attacked, pause(20)])) !== true) {
      const response = await ask(`${main.url}/graphql`, ENTITIES, representations([USER]));
      if (response.status !== 200 || response.errors.length > 0) errors.push(response);
      rss = Math.max(rss, await residentBytes());
    }
    return { errors, rss };
  }

  test('serves others while 120 clients do not read responses of 12 MB', async () => {
    const body = JSON.stringify({ query: ENTITIES, variables: representations(Array<string>(60).fill(USER)) });
    const request = raw([`content-length: ${body.length}`], body);
    const { errors, rss } = await readDuring(async () => {
      for (let count = 0; count < 120; count++) {
        await open(request);
        await pause(25);
      }
    });
    expect(errors).toEqual([]);
    expect(rss).toBeLessThan(MAX_RSS);
  }, 120_000);

  test('serves others while 2 000 clients send half of a large body', async () => {
    const half = raw(['content-length: 262144'], BODY.padEnd(255 * 1024));
    const { errors, rss } = await readDuring(async () => {
      for (let count = 0; count < 2_000; count += 50) await Promise.all(Array.from({ length: 50 }, () => open(half)));
    });
    expect(errors).toEqual([]);
    expect(rss).toBeLessThan(MAX_RSS);
  }, 120_000);
});
