import * as fs from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditUnavailableError, createAuditLog, createOperationId, readAudit, type WriteIntent } from '../../src/audit';
import { TRUSTED } from '../../src/callers';
import { ACTOR, AuditFile, createIntent, createOutcome, TARGET, UPSTREAM } from './auditFile';

let file: AuditFile;

beforeEach(() => {
  file = new AuditFile();
});
afterEach(() => file.remove());

function lines(): unknown[] {
  return file
    .text()
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

describe('the audit trail', () => {
  test('has two lines per unlink, with the same operationId and the documented fields', async () => {
    const log = await file.open();
    const operationId = createOperationId();
    await log.intent(createIntent(operationId));
    await log.outcome(createOutcome(operationId));
    const ts = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const both = { ts, operationId, requestId: 'router-1', actor: ACTOR, target: TARGET };
    expect(lines()).toEqual([
      { event: 'unlink.intent', ...both },
      {
        event: 'unlink.outcome',
        ...both,
        outcome: 'acked',
        upstream: UPSTREAM,
        removed: [{ id: 'i1', type: 'generic' }],
        latencyMs: 12.5,
      },
    ]);
  });

  test('continues after a record that cannot be formatted', async () => {
    const log = await file.open();
    const broken = { ...createIntent(), target: undefined } as unknown as WriteIntent;
    await expect(log.intent(broken)).rejects.toThrow(AuditUnavailableError);
    const { operationId } = createIntent();
    await log.intent(createIntent(operationId));
    expect(await file.openIds()).toEqual([operationId]);
  });

  test('records a trusted caller as no actor', async () => {
    await (await file.open()).intent({ ...createIntent(), actor: TRUSTED });
    expect((await readAudit(file.path)).unsettled[0]?.intent.actor).toBeNull();
  });

  test('contains the listed fields and no others', async () => {
    const log = await file.open();
    const operationId = createOperationId();
    const secret = { token: 'do-not-write' };
    const head = {
      ...createIntent(operationId),
      ...secret,
      operationId,
      actor: { ...ACTOR, ...secret },
      target: { ...TARGET, ...secret },
    };
    await log.intent(head);
    await log.outcome({ ...createOutcome(operationId), ...head, upstream: { ...UPSTREAM, ...secret } });
    expect(file.text()).not.toContain('do-not-write');
    expect(lines()).toHaveLength(2);
  });

  test('keeps a record on one line, even if a claim contains line breaks', async () => {
    const log = await file.open();
    const azp = 'a\n{"event":"unlink.outcome"}\r\u2028\u2029\u0085\u0000é😀\ud800';
    const record = { ...createIntent(), actor: { ...ACTOR, azp } };
    await log.intent(record);
    expect(file.text()).toMatch(/^[ -~]+\n$/);
    const { unsettled, unreadable } = await readAudit(file.path);
    const { operationId, actor, target } = record;
    expect(unsettled).toMatchObject([{ intent: { operationId, actor, target } }]);
    expect(unreadable).toBe(0);
  });

  test('writes concurrent records on separate lines', async () => {
    const log = await file.open();
    const ids = Array.from({ length: 500 }, () => createOperationId());
    await Promise.all(ids.map((id) => log.intent(createIntent(id)).then(() => log.outcome(createOutcome(id)))));
    expect(lines()).toHaveLength(1_000);
    expect(await readAudit(file.path)).toMatchObject({ unsettled: [], unreadable: 0 });
  });

  test('can have two writers that do not mix their lines', async () => {
    const [first, second] = [await file.open(), await file.open()];
    const ids = Array.from({ length: 200 }, () => createOperationId());
    await Promise.all(ids.map((id, index) => (index % 2 === 0 ? first : second).intent(createIntent(id))));
    expect((await file.openIds()).sort()).toEqual(ids);
  });

  test.each([
    ['thousands of scopes', Array.from({ length: 4_000 }, (_, index) => `s${index}`), 50],
    ['long scopes', Array.from({ length: 10 }, () => 'x'.repeat(400)), 2],
    ['scopes that are longer in ASCII', Array.from({ length: 10 }, () => '😀'.repeat(40)), 2],
    ['50 scopes', Array.from({ length: 50 }, (_, index) => `s${index}`), 50],
  ])('records the first scopes of an actor, and how many are left out: %s', async (_what, scopes, kept) => {
    await (await file.open()).intent({ ...createIntent(), actor: { ...ACTOR, scopes } });
    const { actor } = JSON.parse(file.text()) as { actor: { scopes: string[]; scopesOmitted?: number } };
    expect(actor.scopes).toEqual(scopes.slice(0, kept));
    expect(actor.scopesOmitted).toBe(scopes.length === kept ? undefined : scopes.length - kept);
    expect(file.text().length).toBeLessThan(2_048);
  });

  test('writes pending records when it closes, and rejects further ones', async () => {
    const log = await createAuditLog(file.path);
    const ids = Array.from({ length: 20 }, () => createOperationId());
    const underWay = Promise.all(ids.map((id) => log.intent(createIntent(id))));
    await log.close();
    await underWay;
    expect((await file.openIds()).sort()).toEqual(ids);
    await expect(log.intent(createIntent())).rejects.toThrow(AuditUnavailableError);
  });

  test.each(['\n', ''])('starts a new line after a line that ended with %j', async (end) => {
    await writeFile(file.path, `{"cut":"of${end}`);
    const id = createOperationId();
    await (await file.open()).intent(createIntent(id));
    expect(file.text()).toMatch(/^\{"cut":"of\n\{"ts":.*\n$/);
    expect(await file.openIds()).toEqual([id]);
  });

  test('continues in a new file after log rotation has renamed the old one', async () => {
    const log = await file.open();
    const [before, after] = [createOperationId(), createOperationId()];
    await log.intent(createIntent(before));
    fs.renameSync(file.path, `${file.path}.1`);
    await log.intent(createIntent(after));
    expect(await file.openIds(`${file.path}.1`)).toEqual([before]);
    expect(await file.openIds()).toEqual([after]);
    expect(fs.statSync(file.path).mode & 0o777).toBe(0o600);
  });

  test('rejects records while it cannot write, reports the failure once, and recovers', async () => {
    const reported: unknown[] = [];
    const log = await file.open((error) => reported.push(error));
    await log.intent(createIntent());
    fs.rmSync(file.path);
    await mkdir(file.path);
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(log.intent(createIntent())).rejects.toThrow(AuditUnavailableError);
    }
    expect(reported).toHaveLength(1);
    fs.rmSync(file.path, { recursive: true });
    await log.intent(createIntent());
    expect(await file.openIds()).toHaveLength(1);
    fs.rmSync(file.path);
    await mkdir(file.path);
    await expect(log.intent(createIntent())).rejects.toThrow('the audit trail cannot be written');
    expect(reported).toHaveLength(2);
  });

  test.each([
    ['a file.directory', () => file.directory],
    ['a file in no file.directory', () => join(file.directory, 'none', 'audit.jsonl')],
    ['a device', () => '/dev/null'],
  ])('does not start on %s', async (_what, target) => {
    await expect(createAuditLog(target())).rejects.toThrow(AuditUnavailableError);
  });
});

(process.platform === 'linux' ? describe : describe.skip)('the audit trail on Linux', () => {
  test('opens the file for synchronous appending, so that a record is on the disk when it has been written', async () => {
    await file.open();
    const links = fs.readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`);
    const link = links.find((path) => fs.existsSync(path) && fs.readlinkSync(path) === file.path) ?? '';
    const info = fs.readFileSync(link.replace('/fd/', '/fdinfo/'), 'utf8');
    const flags = /flags:\s*0([0-7]+)/.exec(info)?.[1] ?? '';
    const appendAndDsync = 0o2000 | 0o10000;
    expect(Number.parseInt(flags, 8) & appendAndDsync).toBe(appendAndDsync);
  });
});

describe('operation ids', () => {
  test('are UUIDs of version 7 in ascending order, even within a millisecond', () => {
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
