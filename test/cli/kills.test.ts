import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createPool, type Emulator, startEmulator } from '../../src/emulator';
import { apolloGateway } from '../federation/gateways';
import { type Service, startService } from '../federation/service';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { strictEnv } from '../support/stack';
import { type Opened, startUsers } from '../support/supergraph';
import { type Ended, readLines, type Run, SCOPES, start } from './cli';

/** The complete form is `CLI_KILLS=20 CLI_USERS=1200`. */
const KILLS = Number(process.env['CLI_KILLS'] ?? 3);
const USERS = Number(process.env['CLI_USERS'] ?? 120);
const SOURCE = 'e'.padEnd(24, '0');

describe('a run over a file, while the command and the subgraph are killed', () => {
  let folder: string;
  let path: string;
  let issuer: Issuer;
  let emulator: Emulator;
  let service: Service;
  let users: Opened;
  let gateway: Opened;
  let subgraph: Main;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kills-'));
    path = join(folder, 'users');
    issuer = await startIssuer();
    emulator = await startEmulator({ seed: createPool({ users: USERS, identitiesPerUser: 1 }), qps: Infinity });
    emulator.faults.set('unlink-identity', 'latency:30');
    service = await startService();
    users = await startUsers([]);
    gateway = await apolloGateway.start({ users: users.url, identities: `${service.url}/graphql` });
    await startReplica();
  }, 60_000);
  afterAll(async () => {
    await subgraph.stop('SIGKILL');
    await gateway.close();
    await Promise.all([users.close(), service.close(), emulator.close(), issuer.close()]);
    await rm(folder, { recursive: true });
  });

  const audit = (): string => join(folder, 'audit.log');

  async function startReplica(): Promise<void> {
    subgraph = await startMain(emulator, { ...strictEnv(issuer), AUDIT_LOG: audit(), GENAUTH_MAX_QPS: '100000' });
    service.routeTo(subgraph);
  }

  function startCommand(): Run {
    const token = issuer.token({ sub: undefined, scope: SCOPES });
    const args = ['unlink', '--source', SOURCE, '--from', path, '--yes', '--rate', '30'];
    return start(args, { IDENTITIES_URL: gateway.url, IDENTITIES_TOKEN: token });
  }

  /** The records of a file in which the last line may be cut off anywhere. */
  function recordsIn(file: string): Record<string, unknown>[] {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as Record<string, unknown>];
      } catch {
        return [];
      }
    });
  }

  /** The users whose unlink was begun and has no result. */
  function inFlight(): string[] {
    const last = new Map(recordsIn(`${path}.${SOURCE}.jsonl`).map(({ userId, state }) => [userId, state]));
    return [...last].flatMap(([userId, state]) => (state === 'sending' ? [String(userId)] : []));
  }

  test(`ends with every identity gone after ${KILLS} kills, and sends twice only what was in flight`, async () => {
    const ids = emulator.store.users().map(({ profile }) => profile.userId);
    await writeFile(path, ids.map((id) => `${id}\n`).join(''));
    const mayRepeat = new Set<string>();
    let runs = 1;
    let command = startCommand();
    let ended: Ended | undefined;
    void command.ended.then((each) => (ended = each));
    const restart = (): void => {
      runs++;
      ended = undefined;
      command = startCommand();
      const { ended: ending } = command;
      void ending.then((each) => (ended = each));
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const from = emulator.store.executions.length;
      const target = from + (USERS - from) / (KILLS - kill + 1);
      while (emulator.store.executions.length < target) {
        // Users whose outcome was not known are left for the next run.
        if (ended !== undefined) restart();
        await pause(5);
      }
      await pause(Math.random() * 50);
      const victims = (['command', 'subgraph', 'both'] as const)[Math.floor(Math.random() * 3)];
      if (victims !== 'command') subgraph.child.kill('SIGKILL');
      if (victims !== 'subgraph') command.child.kill('SIGKILL');
      for (const userId of inFlight()) mayRepeat.add(userId);
      if (victims !== 'command') await subgraph.exited.then(startReplica);
      if (victims !== 'subgraph') await command.ended.then(restart);
    }
    let last = await command.ended;
    while (last.code === 1) {
      restart();
      last = await command.ended;
    }
    expect([last.code, last.summary]).toMatchObject([0, { users: USERS, left: 0 }]);
    expect(ids.filter((id) => emulator.store.identitiesOf(id).length > 0)).toEqual([]);

    const lines = await readLines(`${path}.${SOURCE}.jsonl`);
    const results = new Map(lines.map((line) => [line.userId, line]));
    expect(results.size).toBe(USERS);
    expect([...results.values()].filter(({ state }) => state !== 'unlinked')).toEqual([]);
    expect([...results.values()].filter(({ removed }) => removed?.length !== 1)).toEqual([]);

    const intents = recordsIn(audit()).filter(({ event }) => event === 'unlink.intent');
    const repeated = intents
      .map(({ target }) => (target as { userId: string }).userId)
      .filter((userId, index, all) => all.indexOf(userId) < index);
    expect(repeated.filter((userId) => !mayRepeat.has(userId))).toEqual([]);
    if (KILLS > 3) {
      const figures = {
        USERS,
        KILLS,
        runs,
        inFlight: mayRepeat.size,
        intents: intents.length,
        repeated: repeated.length,
      };
      process.stdout.write(`${JSON.stringify(figures)}\n`);
    }
  }, 900_000);
});
