import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createOperationId, readAudit } from '../../src/audit';
import { AuditFile, createIntent } from './auditFile';

let file: AuditFile;
const children: ChildProcess[] = [];

beforeEach(() => {
  file = new AuditFile();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await file.remove();
});

/** A process with eight workers that write intents without end, and report whether each is durable. */
const CHILD = `
  const { createAuditLog, createOperationId } = require('./src/audit/index.ts');
  const record = { kind: 'unlink', requestId: null, actor: { iss: 'i', sub: 's', azp: null, scopes: [] }, target: { userId: 'u', extIdpId: 'e', type: null } };
  const { Stdout } = require('./src/stdout.ts');
  const target = process.argv[1] === 'stdout' ? new Stdout() : process.argv[1];
  createAuditLog(target).then((log) => {
    const next = async () => {
      const operationId = createOperationId();
      const durable = await log.intent({ operationId, ...record }).then(() => true, () => false);
      process.send({ operationId, durable }, next);
    };
    for (let worker = 0; worker < 8; worker++) next();
  });
`;

type Report = { operationId: string; durable: boolean };

function startChild(target: string, shell = ''): { child: ChildProcess; reports: Report[] } {
  const command = [process.execPath, '--require', 'tsx/cjs', '-e', CHILD, target];
  const child = spawn('sh', ['-c', `${shell} exec "$@"`, 'sh', ...command], {
    cwd: join(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  children.push(child);
  const reports: Report[] = [];
  child.on('message', (message) => reports.push(message as Report));
  child.stdout?.on('data', (chunk: Buffer) => fs.appendFileSync(file.path, chunk));
  return { child, reports };
}

describe('a process that is killed', () => {
  test.each(['file', 'stdout'])('has written every record that it reported as durable: %s', async (target) => {
    const { child, reports } = startChild(target === 'file' ? file.path : target);
    while (reports.length < 200) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await file.openIds()).toEqual(expect.arrayContaining(reports.map(({ operationId }) => operationId)));
    // The next process continues after the record that was cut off.
    const id = createOperationId();
    await (await file.open()).intent(createIntent(id));
    expect(await file.openIds()).toContain(id);
  });

  test('reports no truncated record as durable when the disk is full, and recovers when there is space', async () => {
    const { child, reports } = startChild(file.path, 'ulimit -f 64;');
    while (reports.at(-1)?.durable !== false) await once(child, 'message');
    const { unsettled, unreadable } = await readAudit(file.path);
    const durable = reports.filter((each) => each.durable).map(({ operationId }) => operationId);
    expect(durable.length).toBeGreaterThan(0);
    expect(unsettled.map(({ intent }) => intent.operationId)).toEqual(expect.arrayContaining(durable));
    expect(unreadable).toBe(1);
    // Makes space for more than all workers write at once. This cuts another line in two.
    const text = fs.readFileSync(file.path, 'latin1');
    await truncate(file.path, text.lastIndexOf('operationId', text.length / 2));
    const again = (): Report | undefined => reports.slice(durable.length).find((each) => each.durable);
    while (again() === undefined) await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await file.openIds()).toContain(again()?.operationId);
  });
});
