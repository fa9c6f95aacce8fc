import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOperationId, readAudit, type WriteOutcome } from '../../src/audit';
import { ACTOR, AuditFile, createOutcome, TARGET } from './auditFile';

let file: AuditFile;

beforeEach(() => {
  file = new AuditFile();
});
afterEach(() => file.remove());

describe('reading the audit trail', () => {
  test('lists the intents without an outcome, oldest first', async () => {
    const ids = Array.from({ length: 4 }, () => createOperationId());
    await file.write(...ids);
    await (await file.open()).outcome(createOutcome(ids[1] ?? ''));
    const { unsettled } = await readAudit(file.path);
    expect(unsettled.map(({ intent }) => intent.operationId)).toEqual([ids[0], ids[2], ids[3]]);
    expect(unsettled[0]).toMatchObject({
      kind: 'open',
      intent: { actor: ACTOR, target: TARGET, event: 'unlink.intent' },
    });
  });

  test('lists outcomes that are not final as kinds of their own, until there is a final one', async () => {
    const ids = Array.from({ length: 5 }, () => createOperationId()) as [string, string, string, string, string];
    await file.write(...ids);
    const log = await file.open();
    const record = (id: string, outcome: WriteOutcome['outcome']) => log.outcome({ ...createOutcome(id), outcome });
    await record(ids[1], 'unknown');
    await record(ids[2], 'abandoned');
    await record(ids[3], 'abandoned');
    await record(ids[3], 'acked');
    await record(ids[4], 'unknown');
    await record(ids[4], 'verified_absent');
    const { unsettled } = await readAudit(file.path);
    expect(unsettled.map(({ intent, kind }) => [intent.operationId, kind])).toEqual([
      [ids[0], 'open'],
      [ids[1], 'unknown'],
      [ids[2], 'abandoned'],
    ]);
  });

  test.each([
    ['a date that is none', { ts: 'yesterday' }],
    ['a date that does not exist', { ts: '2026-02-30T00:00:00.000Z' }],
    ['an id with a line break', { operationId: 'a\nb' }],
    ['an empty id', { operationId: '' }],
    ['a user id that is a number', { target: { ...TARGET, userId: 1 } }],
    ['an outcome that is unknown to this version', { event: 'unlink.outcome', outcome: 'lost' }],
  ])('counts a record as unreadable that has %s', async (_what, changes) => {
    const [line = ''] = await file.write(createOperationId());
    await writeFile(file.path, `${JSON.stringify({ ...(JSON.parse(line) as object), ...changes })}\n`);
    expect(await readAudit(file.path)).toEqual({ unsettled: [], unreadable: 1, unreadableLines: [1] });
  });

  test('counts the lines that it cannot read, and continues', async () => {
    const [first, last] = [createOperationId(), createOperationId()];
    const [before = '', after = ''] = await file.write(first, last);
    const damaged = ['{"ts":"20', '\u0000\u0000', '{"event":"unlink.intent"}', '{"event":"unlink.unheard"}'];
    await writeFile(file.path, [before, ...damaged, after, before.slice(0, 30)].join('\n'));
    expect(await file.openIds()).toEqual([first, last]);
    expect(await readAudit(file.path)).toMatchObject({ unreadable: 5, unreadableLines: [2, 3, 4, 5, 7] });
  });

  test('ignores other log lines and empty lines, and accepts records that were delivered twice', async () => {
    const id = createOperationId();
    const [line = ''] = await file.write(id);
    const others = ['{"level":30,"msg":"ready"}', '', '[]', 'null', '7', '{"event":"request.done"}', ' '];
    await writeFile(file.path, [...others, line, line, ''].join('\r\n'));
    expect(await readAudit(file.path)).toMatchObject({ unsettled: [{ intent: { operationId: id } }], unreadable: 0 });
  });

  test('finds nothing in an empty file, and fails if there is no file', async () => {
    await writeFile(file.path, '');
    expect(await readAudit(file.path)).toEqual({ unsettled: [], unreadable: 0, unreadableLines: [] });
    await expect(readAudit(join(file.directory, 'none'))).rejects.toThrow('ENOENT');
  });
});
