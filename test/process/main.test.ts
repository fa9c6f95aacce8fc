import { createServer } from 'node:net';
import { type Emulator, startEmulator } from '../../src/emulator';
import { listen, stopListening } from '../support/listen';
import { runMain, startMain } from '../support/main';
import { run } from '../support/process';
import { ask, ENTITIES, type EntitiesAnswer, representations } from '../support/stack';

describe('dist/main.js', () => {
  let emulator: Emulator;

  beforeAll(async () => {
    emulator = await startEmulator();
  });
  afterAll(() => emulator.close());

  test('prints its address in the ready line, serves, and exits with 0 on SIGTERM', async () => {
    const main = await startMain(emulator);
    const [user] = emulator.store.users();
    const userId = user?.profile.userId ?? '';
    const { data } = await ask<EntitiesAnswer>(`${main.url}/graphql`, ENTITIES, representations([userId]));
    expect(data?._entities[0]?.identities).toHaveLength(user?.identities.length ?? -1);
    expect(await main.stop('SIGTERM')).toBe(0);
    expect(main.output()).not.toContain(emulator.accessKeySecret);
  });

  test('serves neither the IDE nor the schema by default', async () => {
    const main = await startMain(emulator);
    expect((await fetch(main.url)).status).toBe(404);
    expect((await ask(`${main.url}/graphql`, '{ __schema { types { name } } }')).status).toBe(400);
    await main.stop();
  });

  test('does not start with invalid variables, and prints each of their names and no value', async () => {
    const bad = { PORT: 'sentinel', GENAUTH_ACCESS_KEY_SECRET: 'sentinel secret', AUTH_MODE: 'none', HOST: '0.0.0.0' };
    const main = run(['dist/main.js'], bad);
    expect(await main.exited).toBe(1);
    for (const name of ['PORT', 'GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET', 'HOST']) {
      expect(main.output()).toMatch(new RegExp(`^  ${name} (must|is)`, 'm'));
    }
    expect(main.output()).not.toContain('sentinel');
  });

  test.each([
    ['a port that is taken', 'PORT', 'EADDRINUSE'],
    ['an admin port that is taken', 'ADMIN_PORT', 'EADDRINUSE'],
    ['an audit trail that cannot be opened', 'AUDIT_LOG', 'ENOENT'],
  ])('logs why it cannot start, and exits with 1: %s', async (_what, name, code) => {
    const other = createServer();
    const taken = String(await listen(other));
    const main = runMain(emulator, { [name]: name === 'AUDIT_LOG' ? '/nowhere/audit.log' : taken });
    expect(await main.exited).toBe(1);
    const [line] = await main.waitFor(/^.*"msg":"cannot start".*$/m);
    expect(line).toContain(`"code":"${code}"`);
    await stopListening(other);
  });

  test('prints the variable of a secret file that cannot be read, and not the path', async () => {
    const main = runMain(emulator, { AUTH_MODE: 'router', ROUTER_SECRETS_FILE: '/nowhere/sentinel' });
    expect(await main.exited).toBe(1);
    expect(main.output()).toMatch(/^ {2}ROUTER_SECRETS_FILE cannot be read \(ENOENT\)$/m);
    expect(main.output()).not.toContain('sentinel');
  });
});
