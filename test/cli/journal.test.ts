import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DigestMap } from '../../src/cli/digestMap';
import { UsageError } from '../../src/cli/errors';
import { Journal } from '../../src/cli/journal';
import type { JournalLine } from '../../src/cli/journalLine';

const SOURCE = '62f20932716fbcc10d966ee6';
const folder = mkdtempSync(join(tmpdir(), 'journal-'));
const path = join(folder, 'users.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  for (const each of [path, `${path}.lock`]) rmSync(each, { force: true });
});

function lineOf(userId: string, state: JournalLine['state'] = 'unlinked'): JournalLine {
  const removed = [{ extIdpId: SOURCE, type: 'generic', userIdInIdp: `${userId} 张三\u2028` }];
  return { ts: '2026-11-27T04:00:00.000Z', userId, state, extIdpId: SOURCE, removed };
}

const write = (lines: readonly JournalLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** Opens the journal, appends lines, and closes it. @returns The users of the lines that it had. */
async function open(...appended: JournalLine[]): Promise<(string | null)[]> {
  const users: (string | null)[] = [];
  const journal = await Journal.open(path, ({ userId }) => users.push(userId));
  await Promise.all(appended.map((line) => journal.append(line)));
  await journal.close();
  return users;
}

describe('a journal', () => {
  test('that is cut off anywhere has its complete lines, and is continued', async () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(names, fc.nat(), fc.constantFrom('', '\0\0\0\0'), async (users, cut, tail) => {
        const bytes = Buffer.from(write(users.map((user) => lineOf(user))));
        const kept = bytes.subarray(0, users.length === 0 ? 0 : cut % (bytes.length + 1));
        writeFileSync(path, Buffer.concat([kept, Buffer.from(tail)]));
        // A line that lacks nothing but its end is complete.
        const complete = users.filter(
          (_user, index) =>
            kept.length >=
            Buffer.byteLength(write(users.slice(0, index + 1).map((u) => lineOf(u)))) - (tail === '' ? 1 : 0),
        );
        expect(await open(lineOf('next'))).toEqual(complete);
        expect(await open()).toEqual([...complete, 'next']);
        rmSync(path);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['is not JSON', 'users of Monday'],
    ['is JSON of another kind', '{"userId":"a"}'],
    ['has an unknown state', JSON.stringify({ ...lineOf('a'), state: 'gone' })],
    ['has identities that cannot be linked', JSON.stringify({ ...lineOf('a'), removed: [{ type: 'generic' }] })],
  ])('is refused, with the number of the line, if a line %s', async (_name, damaged) => {
    const before = `${write([lineOf('a')])}${damaged}\n${write([lineOf('b')])}`;
    writeFileSync(path, before);
    await expect(open()).rejects.toThrow(/^Line 2 of /);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('without lines leaves no file', async () => {
    await open();
    expect(existsSync(path)).toBe(false);
  });

  test('keeps the lines of concurrent users whole', async () => {
    const users = Array.from({ length: 200 }, (_, index) => `u${index}`);
    await open(...users.map((user) => lineOf(user)));
    expect((await open()).sort()).toEqual([...users].sort());
  });

  test('is refused while another run has it, and afterwards not', async () => {
    const first = await Journal.open(path, () => undefined);
    // In this process the lock would count as that of a previous container.
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    writeFileSync(`${path}.lock`, JSON.stringify({ pid: other.pid, host: hostname() }));
    await expect(open()).rejects.toThrow(/^Another run is using /);
    other.kill('SIGKILL');
    await once(other, 'exit');
    await expect(open(lineOf('a'))).resolves.toEqual([]);
    await first.close();
  });

  test.each([
    ['of a process that was killed', JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }), 0, true],
    ['of another machine, confirmed just now', JSON.stringify({ pid: 1, host: 'elsewhere' }), 0, false],
    ['of another machine, not confirmed for two minutes', JSON.stringify({ pid: 1, host: 'elsewhere' }), 120, true],
    ['that is being written', '', 0, false],
    ['that was never written', '', 120, true],
  ])('with the lock %s', async (_name, text, ageSeconds, isOpened) => {
    writeFileSync(`${path}.lock`, text);
    const at = Date.now() / 1_000 - ageSeconds;
    utimesSync(`${path}.lock`, at, at);
    if (isOpened) await expect(open()).resolves.toEqual([]);
    else await expect(open()).rejects.toThrow(UsageError);
  });

  test('is refused if it cannot be written', async () => {
    await expect(Journal.open(join(folder, 'none', 'users.jsonl'), () => undefined)).rejects.toThrow(UsageError);
  });
});

describe('a map of digests', () => {
  test('has the same values as a map of texts', () => {
    const entries = fc.array(fc.tuple(fc.string(), fc.integer({ min: 1, max: 2 ** 32 - 1 })), { maxLength: 3_000 });
    fc.assert(
      fc.property(entries, fc.array(fc.string()), (pairs, others) => {
        const [digests, map] = [new DigestMap(), new Map<string, number>()];
        for (const [text, value] of pairs) {
          digests.set(text, value);
          map.set(text, value);
        }
        expect(digests.size).toBe(map.size);
        for (const text of [...map.keys(), ...others]) expect(digests.get(text)).toBe(map.get(text) ?? 0);
      }),
      { numRuns: 50 },
    );
  });

  test('grows', () => {
    const digests = new DigestMap();
    for (let index = 1; index <= 10_000; index++) digests.set(`user ${index}`, index);
    for (let index = 1; index <= 10_000; index++) expect(digests.get(`user ${index}`)).toBe(index);
    expect(digests.size).toBe(10_000);
  });
});
