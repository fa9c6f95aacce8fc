import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { BODY, LENGTH, raw } from '../http/strangeBytes';
import { startIssuer } from '../support/issuer';
import { type Main, mainEnv, preload, startMain } from '../support/main';
import { run } from '../support/process';
import { type Answer, ask, strictEnv, UNLINK, type UnlinkAnswer } from '../support/stack';

/** Throws on a signal. The message is assembled at run time, so that the logged source line does not contain it. */
const FAIL_ON_SIGNAL = preload(`
  process.on('SIGURG', () => { throw new Error(['sen', 'tinel'].join('')); });
  process.on('SIGWINCH', () => { void Promise.reject(new Error(['sen', 'tinel'].join(''))); });`);

/** Makes the shutdown fail: one of the listeners cannot be closed. */
const FAIL_TO_CLOSE = preload(`import http from 'node:http';
  http.Server.prototype.closeAllConnections = () => { throw new Error('sentinel'); };`);

const SERVED = 'HTTP/1.1 200';
const UNAVAILABLE = ['HTTP/1.1 503', 'retry-after: 1', '"code":"SHUTTING_DOWN"'];

describe('dist/main.js', () => {
  let emulator: Emulator;
  let folder: string;
  let main: Main;

  beforeAll(async () => {
    emulator = await startEmulator({ seed: createPool({ users: 20, identitiesPerUser: 1 }) });
    emulator.faults.set('unlink-identity', 'latency:500');
    folder = await mkdtemp(join(tmpdir(), 'leaving-'));
  });
  afterEach(() => main.stop('SIGKILL'));
  afterAll(async () => {
    await emulator.close();
    await rm(folder, { recursive: true });
  });

  /** Returns an identity that is still linked. */
  function nextTarget(): { userId: string | undefined; extIdpId: string | undefined } {
    const { profile, identities } = emulator.store.users().find((user) => user.identities.length > 0) ?? {};
    return { userId: profile?.userId, extIdpId: identities?.[0]?.extIdpId };
  }

  /** Sends an unlink, and waits until GenAuth has received it. */
  async function beginUnlink(): Promise<{ answer: Promise<Answer<UnlinkAnswer>> }> {
    const before = emulator.calls.length;
    const answer = ask<UnlinkAnswer>(`${main.url}/graphql`, UNLINK, nextTarget());
    while (emulator.calls.length === before) await pause(5);
    return { answer };
  }

  function messages(): string[] {
    const lines = main.output().trimEnd().split('\n');
    return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  }

  test.each([
    ['an uncaught exception', 'SIGURG', 'uncaughtException'],
    ['an unhandled rejection', 'SIGWINCH', 'unhandledRejection'],
  ] as const)(
    'completes, records and logs the requests in flight after %s, and exits with 1',
    async (_what, signal, event) => {
      const audit = join(folder, event);
      main = await startMain(emulator, { AUDIT_LOG: audit }, [FAIL_ON_SIGNAL]);
      const { answer } = await beginUnlink();
      expect(await main.stop(signal)).toBe(1);
      expect((await answer).data?.unlinkIdentity?.success).toBe(true);
      const records = (await readFile(audit, 'utf8')).trimEnd().split('\n');
      expect(records.map((line) => JSON.parse(line) as unknown)).toEqual([
        expect.objectContaining({ event: 'unlink.intent' }),
        expect.objectContaining({ event: 'unlink.outcome', outcome: 'acked' }),
      ]);
      expect(messages()).toEqual(['ready', event, 'request', 'stopped']);
      expect(main.output()).not.toContain('sentinel');
    },
  );

  test('completes an unlink whose client has closed the connection', async () => {
    const audit = join(folder, 'client-left');
    main = await startMain(emulator, { AUDIT_LOG: audit });
    const before = emulator.calls.length;
    const body = JSON.stringify({ query: UNLINK, variables: nextTarget() });
    const { hostname, port } = new URL(main.url);
    const client = connect(Number(port), hostname);
    client.write(raw([`content-length: ${body.length}`], body));
    while (emulator.calls.length === before) await pause(5);
    client.destroy();
    expect(await main.stop()).toBe(0);
    expect(await readFile(audit, 'utf8')).toContain('"outcome":"acked"');
  });

  test('exits with 1 after an uncaught exception during shutdown', async () => {
    main = await startMain(emulator, { DRAIN_DELAY_MS: '300' }, [FAIL_ON_SIGNAL]);
    main.child.kill('SIGTERM');
    await main.waitFor(/"msg":"stopping"/);
    expect(await main.stop('SIGURG')).toBe(1);
    expect(messages()).toEqual(['ready', 'stopping', 'uncaughtException', 'stopped']);
  });

  test('exits with 1 and one log line if the shutdown fails', async () => {
    main = await startMain(emulator, {}, [FAIL_TO_CLOSE]);
    expect(await main.stop('SIGTERM')).toBe(1);
    expect(messages()).toEqual(['ready', 'stopping', 'the process did not stop cleanly']);
  });

  test.each(['SIGHUP', 'SIGQUIT'] as const)('completes an unlink in progress on %s', async (signal) => {
    main = await startMain(emulator);
    const { answer } = await beginUnlink();
    expect(await main.stop(signal)).toBe(0);
    expect((await answer).data?.unlinkIdentity?.success).toBe(true);
  });

  test('ignores SIGUSR2 during an unlink', async () => {
    main = await startMain(emulator);
    const { answer } = await beginUnlink();
    main.child.kill('SIGUSR2');
    await main.waitFor(/"msg":"signal ignored"/);
    expect((await answer).data?.unlinkIdentity?.success).toBe(true);
    expect(await main.stop()).toBe(0);
  });

  test('responds to each of three pipelined unlinks during shutdown', async () => {
    main = await startMain(emulator, { DRAIN_DELAY_MS: '1000' });
    const users = emulator.store.users().filter((user) => user.identities.length > 0);
    const bodies = users.slice(0, 3).map(({ profile, identities }) => {
      const variables = { userId: profile.userId, extIdpId: identities[0]?.extIdpId };
      return JSON.stringify({ query: UNLINK, variables });
    });
    const client = connect(Number(new URL(main.url).port), '127.0.0.1');
    client.write(bodies.map((body) => raw([`content-length: ${body.length}`], body)).join(''));
    const received = text(client);
    await main.waitFor(/"event":"unlink.intent"/);
    expect(await main.stop()).toBe(0);
    expect((await received).match(/HTTP\/1\.1 \d+|connection: close|"success":\w+/g)).toEqual([
      ...[SERVED, '"success":true', SERVED, '"success":true'],
      ...[SERVED, 'connection: close', '"success":true'],
    ]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    'exits with 0 on %s while it is still starting',
    async (signal) => {
      const issuer = await startIssuer();
      issuer.misbehaviour.jwks = 'hang';
      main = { ...run(['dist/main.js'], { ...mainEnv(emulator), ...strictEnv(issuer) }), url: '', adminUrl: '' };
      await issuer.fetched(1);
      const code = await main.stop(signal);
      await issuer.close();
      expect([code, messages()]).toEqual([0, ['stopping', 'stopped']]);
    },
  );

  test.each([
    ['nothing', '', UNAVAILABLE],
    ['half a header', raw([LENGTH], '').slice(0, 40), UNAVAILABLE],
    ['a request, and half a header', raw([LENGTH], BODY) + raw([LENGTH], '').slice(0, 40), [SERVED, ...UNAVAILABLE]],
    ['half a body', raw([LENGTH], BODY.slice(0, 9)), UNAVAILABLE],
    [
      'a malformed request, and stays open after its rejection',
      'sentinel\r\n\r\n',
      ['HTTP/1.1 400', '"code":"BAD_REQUEST"'],
    ],
  ])('is not delayed by a connection that has sent %s, and rejects it', async (_what, bytes, answers) => {
    main = await startMain(emulator, { DRAIN_TIMEOUT_MS: '2000' });
    const socket = connect({ port: Number(new URL(main.url).port), host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += String(chunk))).on('error', () => undefined);
    const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
    // An open socket must not keep the test process running.
    socket.unref();
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(bytes);
    // The response to a later request shows that the bytes have been read.
    await ask(`${main.url}/graphql`, '{ __typename }');
    expect(await main.stop()).toBe(0);
    await ended;
    expect(received.match(/HTTP\/1\.1 \d+|retry-after: \d+|"code":"\w+"/g)).toEqual(answers);
    socket.destroy();
  });
});
