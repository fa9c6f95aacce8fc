import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Emulator, startEmulator } from '../../src/emulator';
import { run } from '../support/process';
import { ask, ENTITIES, type EntitiesAnswer, representations } from '../support/stack';

const MAIN = ['dist/main.js'];
const READY = /^\{.*"msg":"ready".*\}$/m;

describe('dist/main.js', () => {
  let emulator: Emulator;
  let env: Record<string, string>;

  beforeAll(async () => {
    emulator = await startEmulator();
    env = {
      PORT: '0',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      AUTH_MODE: 'none',
      ADMIN_PORT: '0',
      DRAIN_DELAY_MS: '0',
    };
  });
  afterAll(() => emulator.close());

  test('serves, says where in its ready line, and leaves with 0 on SIGTERM', async () => {
    const main = run(MAIN, env);
    const [line] = await main.waitFor(READY);
    const { port } = JSON.parse(line) as { port: number };
    const [user] = emulator.store.users();
    const userId = user?.profile.userId ?? '';
    const { data } = await ask<EntitiesAnswer>(`http://127.0.0.1:${port}/graphql`, ENTITIES, representations([userId]));
    expect(data?._entities[0]?.identities).toHaveLength(user?.identities.length ?? -1);
    expect(await main.stop('SIGTERM')).toBe(0);
    expect(main.output()).not.toContain(emulator.accessKeySecret);
  });

  test('does not serve the IDE or the schema unless told to', async () => {
    const main = run(MAIN, env);
    const [line] = await main.waitFor(READY);
    const { url } = JSON.parse(line) as { url: string };
    expect((await fetch(url)).status).toBe(404);
    expect((await ask(`${url}/graphql`, '{ __schema { types { name } } }')).status).toBe(400);
    await main.stop();
  });

  test('refuses to start on a bad environment: every bad name, no value, and a code other than 0', async () => {
    const bad = { PORT: 'sentinel', GENAUTH_ACCESS_KEY_SECRET: 'sentinel secret', AUTH_MODE: 'none', HOST: '0.0.0.0' };
    const main = run(MAIN, bad);
    expect(await main.exited).toBe(1);
    for (const name of ['PORT', 'GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET', 'HOST']) {
      expect(main.output()).toMatch(new RegExp(`^  ${name} (must|is)`, 'm'));
    }
    expect(main.output()).not.toContain('sentinel');
  });

  test.each([
    ['a port that is taken', 'PORT', 'EADDRINUSE'],
    ['a port for those who run it that is taken', 'ADMIN_PORT', 'EADDRINUSE'],
    ['an audit trail that cannot be opened', 'AUDIT_LOG', 'ENOENT'],
  ])('says why it cannot start, and ends with 1: %s', async (_what, name, code) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = String((other.address() as AddressInfo).port);
    const main = run(MAIN, { ...env, [name]: name === 'AUDIT_LOG' ? '/nowhere/audit.log' : taken });
    expect(await main.exited).toBe(1);
    const [line] = await main.waitFor(/^.*"msg":"cannot start".*$/m);
    expect(line).toContain(`"code":"${code}"`);
    other.close();
  });

  test('names a secret whose file cannot be read, and not the file', async () => {
    const main = run(MAIN, { ...env, AUTH_MODE: 'router', ROUTER_SECRETS_FILE: '/nowhere/sentinel' });
    expect(await main.exited).toBe(1);
    expect(main.output()).toMatch(/^ {2}ROUTER_SECRETS_FILE cannot be read \(ENOENT\)$/m);
    expect(main.output()).not.toContain('sentinel');
  });
});
