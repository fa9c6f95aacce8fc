import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOperationId, readAudit } from '../../src/audit';
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
    const { open } = await readAudit(file.path);
    expect(open.map(({ operationId }) => operationId)).toEqual([ids[0], ids[2], ids[3]]);
    expect(open[0]).toMatchObject({ actor: ACTOR, target: TARGET, event: 'unlink.intent' });
  });

  test('counts the lines that it cannot read, and continues', async () => {
    const [first, last] = [createOperationId(), createOperationId()];
    const [before = '', after = ''] = await file.write(first, last);
    const damaged = ['{"ts":"20', '\u0000\u0000', '{"event":"unlink.intent"}', '{"event":"unlink.unheard"}'];
    await writeFile(file.path, [before, ...damaged, after, before.slice(0, 30)].join('\n'));
    expect(await file.openIds()).toEqual([first, last]);
    expect((await readAudit(file.path)).unreadable).toBe(damaged.length + 1);
  });

  test('ignores other log lines and empty lines, and accepts records that were delivered twice', async () => {
    const id = createOperationId();
    const [line = ''] = await file.write(id);
    const others = ['{"level":30,"msg":"ready"}', '', '[]', 'null', '7', '{"event":"request.done"}', ' '];
    await writeFile(file.path, [...others, line, line, ''].join('\r\n'));
    expect(await readAudit(file.path)).toMatchObject({ open: [{ operationId: id }], unreadable: 0 });
  });

  test('finds nothing in an empty file, and fails if there is no file', async () => {
    await writeFile(file.path, '');
    expect(await readAudit(file.path)).toEqual({ open: [], unreadable: 0 });
    await expect(readAudit(join(file.directory, 'none'))).rejects.toThrow('ENOENT');
  });
});
