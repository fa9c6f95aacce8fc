import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TRUSTED } from '../../src/callers';
import {
  type AuditLog,
  AuditUnavailableError,
  createAuditLog,
  createOperationId,
  type UnlinkIntent,
  type UnlinkOutcome,
} from '../../src/identities/audit';
import { readAudit } from '../../src/identities/auditReport';

let directory: string;
let file: string;
const logs: AuditLog[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(directory, 'audit.jsonl');
});

afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
  fs.rmSync(directory, { recursive: true, maxRetries: 10 });
});

async function opened(...[target = file, onFailure]: Partial<Parameters<typeof createAuditLog>>): Promise<AuditLog> {
  const log = await createAuditLog(target, onFailure);
  logs.push(log);
  return log;
}

const ACTOR = { iss: 'https://issuer.example/oidc', sub: '60194296801dc7bc2a1b2735', azp: null, scopes: ['openid'] };
const TARGET = { userId: '60194296801dc7bc2a1b2735', extIdpId: '60193c610f9117e7cb049159', type: null };
const UPSTREAM = { statusCode: 200, apiCode: null, requestId: 'r-1', attempts: 1 };

function intent(operationId = createOperationId()): UnlinkIntent {
  return { operationId, actor: ACTOR, target: TARGET };
}

function outcome(operationId: string): UnlinkOutcome {
  return { ...intent(operationId), outcome: 'acked', upstream: UPSTREAM, latencyMs: 12.5 };
}

function lines(): unknown[] {
  const text = fs.readFileSync(file, 'utf8').trimEnd();
  return text.split('\n').map((line): unknown => JSON.parse(line));
}

/** Leaves a file with these intents, and hands out its lines. */
async function written(...ids: string[]): Promise<string[]> {
  const log = await opened();
  for (const id of ids) await log.intent(intent(id));
  return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

async function openIds(path = file): Promise<string[]> {
  return (await readAudit(path)).open.map(({ operationId }) => operationId);
}

describe('the audit trail', () => {
  test('is two lines with the same operationId and the fields of the contract', async () => {
    const log = await opened();
    const operationId = createOperationId();
    await log.intent(intent(operationId));
    await log.outcome(outcome(operationId));
    const ts = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const both = { ts, operationId, actor: ACTOR, target: TARGET };
    expect(lines()).toEqual([
      { event: 'unlink.intent', ...both },
      { event: 'unlink.outcome', ...both, outcome: 'acked', upstream: UPSTREAM, latencyMs: 12.5 },
    ]);
  });

  test('goes on after a record that cannot be written down', async () => {
    const log = await opened();
    const broken = { ...intent(), target: undefined } as unknown as UnlinkIntent;
    await expect(log.intent(broken)).rejects.toThrow(AuditUnavailableError);
    const { operationId } = intent();
    await log.intent(intent(operationId));
    expect(await openIds()).toEqual([operationId]);
  });

  test('records a trusted caller as no actor', async () => {
    await (await opened()).intent({ ...intent(), actor: TRUSTED });
    expect((await readAudit(file)).open[0]?.actor).toBeNull();
  });

  test('takes over the named fields and no others', async () => {
    const log = await opened();
    const operationId = createOperationId();
    const secret = { token: 'do-not-write' };
    const head = { ...secret, operationId, actor: { ...ACTOR, ...secret }, target: { ...TARGET, ...secret } };
    await log.intent(head);
    await log.outcome({ ...outcome(operationId), ...head, upstream: { ...UPSTREAM, ...secret } });
    expect(fs.readFileSync(file, 'utf8')).not.toContain('do-not-write');
    expect(lines()).toHaveLength(2);
  });

  test('keeps a line one line, whatever a claim holds', async () => {
    const log = await opened();
    const azp = 'a\n{"event":"unlink.outcome"}\r\u2028\u2029\u0085\u0000é😀\ud800';
    const record = { ...intent(), actor: { ...ACTOR, azp } };
    await log.intent(record);
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^[ -~]+\n$/);
    const { open, unreadable } = await readAudit(file);
    expect(open).toMatchObject([record]);
    expect(unreadable).toBe(0);
  });

  test('holds every record of many at once, each on its line', async () => {
    const log = await opened();
    const ids = Array.from({ length: 500 }, () => createOperationId());
    await Promise.all(ids.map((id) => log.intent(intent(id)).then(() => log.outcome(outcome(id)))));
    expect(lines()).toHaveLength(1_000);
    expect(await readAudit(file)).toEqual({ open: [], unreadable: 0 });
  });

  test('may have two writers, and no line ends up in another', async () => {
    const [first, second] = [await opened(), await opened()];
    const ids = Array.from({ length: 200 }, () => createOperationId());
    await Promise.all(ids.map((id, index) => (index % 2 === 0 ? first : second).intent(intent(id))));
    expect((await openIds()).sort()).toEqual(ids);
  });

  test('waits for what is under way when it closes, and takes nothing more', async () => {
    const log = await createAuditLog(file);
    const ids = Array.from({ length: 20 }, () => createOperationId());
    const underWay = Promise.all(ids.map((id) => log.intent(intent(id))));
    await log.close();
    await underWay;
    expect((await openIds()).sort()).toEqual(ids);
    await expect(log.intent(intent())).rejects.toThrow(AuditUnavailableError);
  });

  test.each(['\n', ''])('begins on a line of its own after one that ended with %j', async (end) => {
    await writeFile(file, `{"cut":"of${end}`);
    const id = createOperationId();
    await (await opened()).intent(intent(id));
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^\{"cut":"of\n\{"ts":.*\n$/);
    expect(await openIds()).toEqual([id]);
  });

  test('goes on in a new file when log rotation has renamed the old one', async () => {
    const log = await opened();
    const [before, after] = [createOperationId(), createOperationId()];
    await log.intent(intent(before));
    fs.renameSync(file, `${file}.1`);
    await log.intent(intent(after));
    expect(await openIds(`${file}.1`)).toEqual([before]);
    expect(await openIds()).toEqual([after]);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  test('fails closed, is reported once, and goes on when it can', async () => {
    const reported: unknown[] = [];
    const log = await opened(file, (error) => reported.push(error));
    await log.intent(intent());
    fs.rmSync(file);
    await mkdir(file);
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(log.intent(intent())).rejects.toThrow(AuditUnavailableError);
    }
    expect(reported).toHaveLength(1);
    fs.rmSync(file, { recursive: true });
    await log.intent(intent());
    expect(await openIds()).toHaveLength(1);
    fs.rmSync(file);
    await mkdir(file);
    await expect(log.intent(intent())).rejects.toThrow('the audit trail cannot be written');
    expect(reported).toHaveLength(2);
  });

  test.each([
    ['a directory', () => directory],
    ['a file in no directory', () => join(directory, 'none', 'audit.jsonl')],
    ['a device', () => '/dev/null'],
  ])('does not begin on %s', async (_what, target) => {
    await expect(createAuditLog(target())).rejects.toThrow(AuditUnavailableError);
  });
});

(process.platform === 'linux' ? describe : describe.skip)('what Linux tells of the audit trail', () => {
  test('is that the file is open for synchronous appending, so that a record is on the disk when it is written', async () => {
    await opened();
    const links = fs.readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
    const link = links.find((path) => fs.existsSync(path) && fs.readlinkSync(path) === file) ?? '';
    const info = fs.readFileSync(link.replace('/fd/', '/fdinfo/'), 'utf8');
    const flags = /flags:\s*0([0-7]+)/.exec(info)?.[1] ?? '';
    const appendAndDsync = 0o2000 | 0o10000;
    expect(Number.parseInt(flags, 8) & appendAndDsync).toBe(appendAndDsync);
  });
});

/** A process that writes intents from eight sides for ever, and says of each on its channel whether it is durable. */
const CHILD = `
  const { createAuditLog, createOperationId } = require('./src/identities/audit.ts');
  const record = { actor: { iss: 'i', sub: 's', azp: null, scopes: [] }, target: { userId: 'u', extIdpId: 'e', type: null } };
  createAuditLog(process.argv[1]).then((log) => {
    const next = async () => {
      const operationId = createOperationId();
      const durable = await log.intent({ operationId, ...record }).then(() => true, () => false);
      process.send({ operationId, durable }, next);
    };
    for (let side = 0; side < 8; side++) next();
  });
`;

type Told = { operationId: string; durable: boolean };

function startChild(target: string, shell = ''): { child: ChildProcess; told: Told[] } {
  const command = [process.execPath, '--require', 'tsx/cjs', '-e', CHILD, target];
  const child = spawn('sh', ['-c', `${shell} exec "$@"`, 'sh', ...command], {
    cwd: join(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
  const told: Told[] = [];
  child.on('message', (message) => told.push(message as Told));
  child.stdout?.on('data', (chunk: Buffer) => fs.appendFileSync(file, chunk));
  return { child, told };
}

describe('a process that dies', () => {
  test.each(['file', 'stdout'])('has left every record that it called durable: %s', async (target) => {
    const { child, told } = startChild(target === 'file' ? file : target);
    while (told.length < 200) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await openIds()).toEqual(expect.arrayContaining(told.map(({ operationId }) => operationId)));
    // The next process goes on where this one was cut off.
    const id = createOperationId();
    await (await opened()).intent(intent(id));
    expect(await openIds()).toContain(id);
  });

  test('calls nothing durable that a full disk has cut off, and goes on when there is space again', async () => {
    const { child, told } = startChild(file, 'ulimit -f 64;');
    while (told.at(-1)?.durable !== false) await once(child, 'message');
    const { open, unreadable } = await readAudit(file);
    const durable = told.filter((each) => each.durable).map(({ operationId }) => operationId);
    expect(durable.length).toBeGreaterThan(0);
    expect(open.map(({ operationId }) => operationId)).toEqual(expect.arrayContaining(durable));
    expect(unreadable).toBe(1);
    // Makes space for more than all sides together write at once, by cutting another line in two.
    const text = fs.readFileSync(file, 'latin1');
    await truncate(file, text.lastIndexOf('operationId', text.length / 2));
    const again = (): Told | undefined => told.slice(durable.length).find((each) => each.durable);
    while (again() === undefined) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await openIds()).toContain(again()?.operationId);
  });
});

describe('reading the audit trail', () => {
  test('lists the intents without an outcome, oldest first', async () => {
    const ids = Array.from({ length: 4 }, () => createOperationId());
    await written(...ids);
    await (await opened()).outcome(outcome(ids[1] ?? ''));
    const { open } = await readAudit(file);
    expect(open.map(({ operationId }) => operationId)).toEqual([ids[0], ids[2], ids[3]]);
    expect(open[0]).toMatchObject({ actor: ACTOR, target: TARGET, event: 'unlink.intent' });
  });

  test('counts the lines that it cannot read, and reads on', async () => {
    const [first, last] = [createOperationId(), createOperationId()];
    const [before = '', after = ''] = await written(first, last);
    const damaged = ['{"ts":"20', '\u0000\u0000', '{"event":"unlink.intent"}', '{"event":"unlink.unheard"}'];
    await writeFile(file, [before, ...damaged, after, before.slice(0, 30)].join('\n'));
    expect(await openIds()).toEqual([first, last]);
    expect((await readAudit(file)).unreadable).toBe(damaged.length + 1);
  });

  test('passes over other lines of a log, empty ones, and what was delivered twice', async () => {
    const id = createOperationId();
    const [line = ''] = await written(id);
    const others = ['{"level":30,"msg":"ready"}', '', '[]', 'null', '7', '{"event":"request.done"}', ' '];
    await writeFile(file, [...others, line, line, ''].join('\r\n'));
    expect(await readAudit(file)).toMatchObject({ open: [{ operationId: id }], unreadable: 0 });
  });

  test('finds nothing in an empty file, and fails where there is none', async () => {
    await writeFile(file, '');
    expect(await readAudit(file)).toEqual({ open: [], unreadable: 0 });
    await expect(readAudit(join(directory, 'none'))).rejects.toThrow('ENOENT');
  });
});

describe('operation ids', () => {
  test('are UUIDs of version 7 that grow, however fast they are made', () => {
    const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const before = Date.now();
    const ids = Array.from({ length: 20_000 }, () => createOperationId());
    expect(ids.every((id) => form.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    const stamp = Number.parseInt((ids[0] ?? '').replaceAll('-', '').slice(0, 12), 16);
    expect(stamp).toBeGreaterThanOrEqual(before);
    expect(stamp).toBeLessThanOrEqual(Date.now());
  });
});
