import { type Emulator, startEmulator } from '../../src/emulator';
import { createSigningKey, type Issuer, startIssuer } from '../support/issuer';
import { type Main, preload, startMain } from '../support/main';
import { credentials, post, strictEnv } from '../support/stack';

const TOKENS = 1_500;
const CLIENTS = 16;
/** The bound of the cache is 8 MiB. The tokens' scopes take 27 MB. */
const MAX_GROWTH_MB = 18;

/** Prints the memory in use after a full garbage collection. */
const PRINT_HEAP = `let calls = 0;
process.on('SIGWINCH', () => {
  gc();
  console.log('heap ' + ++calls + ': ' + process.memoryUsage().heapUsed);
});`;

describe('the cache of verified tokens of dist/main.js', () => {
  let issuer: Issuer;
  let emulator: Emulator;
  let main: Main;
  /** Number of different scopes so far. */
  let scopes = 0;
  let measured = 0;

  beforeAll(async () => {
    issuer = await startIssuer();
    // An elliptic key signs ten times as fast.
    issuer.keys.splice(0, 1, createSigningKey('elliptic', 'EC'));
    emulator = await startEmulator();
    main = await startMain(emulator, strictEnv(issuer), ['--expose-gc', preload(PRINT_HEAP)]);
  });
  afterAll(async () => {
    await main.stop();
    await Promise.all([emulator.close(), issuer.close()]);
  });

  async function heapMB(): Promise<number> {
    main.child.kill('SIGWINCH');
    const [, bytes] = await main.waitFor(new RegExp(`^heap ${++measured}: (.*)$`, 'm'));
    return Number(bytes) / 1e6;
  }

  /** Sends requests with a token of its own each. A token has the largest size that its header may have. */
  async function sendTokens(count: number): Promise<void> {
    let sent = 0;
    const client = async (): Promise<void> => {
      while (sent < count) {
        sent++;
        const scope = Array.from({ length: 550 }, () => `s${(scopes++).toString(36).padStart(7, '0')}`).join(' ');
        const token = issuer.token({ scope }, { alg: 'ES256' });
        expect(token.length).toBeGreaterThan(6_500);
        const response = await post(`${main.url}/graphql`, { query: '{ __typename }' }, credentials(token));
        expect([response.status, await response.text()]).toEqual([200, '{"data":{"__typename":"Query"}}']);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  test('stays below its bound of bytes, however large the tokens are', async () => {
    await sendTokens(50);
    const before = await heapMB();
    await sendTokens(TOKENS);
    const growth = (await heapMB()) - before;
    expect(growth).toBeLessThan(MAX_GROWTH_MB);
  }, 60_000);
});
