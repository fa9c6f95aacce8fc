import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { UsageError } from '../../src/cli/errors';
import { problemOf } from '../../src/cli/ids';
import { type Line, readLines } from '../../src/cli/lines';
import { run } from '../support/process';

const folder = mkdtempSync(join(tmpdir(), 'lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(content: string | Buffer): string {
  const path = join(folder, 'ids');
  writeFileSync(path, content);
  return path;
}

async function read(content: string | Buffer): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(write(content))) lines.push(line);
  return lines;
}

describe('a file of ids', () => {
  /** An id as people paste it: with text of any script, and white space around it. */
  const id = fc
    .stringMatching(/^[\p{L}\p{N}_.:-]([\p{L}\p{N} _.:-]{0,30}[\p{L}\p{N}_.:-])?$/u)
    .filter((text) => text === text.trim());
  const around = fc.constantFrom('', ' ', '\t', '\u00a0', '\ufeff', ' \t ');
  const end = fc.constantFrom('\n', '\r\n', '\r');

  test('is read line by line, whatever its line ends, marks, blank lines and position in the blocks of the file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(around, fc.option(id, { nil: '' }), around)),
        end,
        fc.boolean(),
        fc.integer({ min: 65_400, max: 65_536 }),
        async (lines, lineEnd, isEnded, paddingBytes) => {
          // The first line, which is blank, moves the others across the border between two blocks.
          const texts = [' '.repeat(paddingBytes), ...lines.map((parts) => parts.join(''))];
          const content = texts.join(lineEnd) + (isEnded ? lineEnd : '');
          const expected = lines.flatMap(([, text], index) => (text === '' ? [] : [{ number: index + 2, text }]));
          expect(await read(content)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['with a byte order mark and CRLF, as Excel saves it', '\ufeffa1\r\na2\r\n', ['a1', 'a2']],
    ['that was put together from such files', '\ufeffa1\r\n\ufeffa2\r\n', ['a1', 'a2']],
    ['without an end of the last line', 'a1\na2', ['a1', 'a2']],
    ['that is empty', '', []],
    ['with a byte order mark only', '\ufeff', []],
  ])('%s', async (_name, content, texts) => {
    expect((await read(content)).map(({ text }) => text)).toEqual(texts);
  });

  test.each([
    ['UTF-16, as Excel saves “Unicode text”', Buffer.from('\ufeffa1\n', 'utf16le')],
    ['GBK', Buffer.from([0xd5, 0xc5, 0xc8, 0xfd, 0x0a])],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004\0\0a\n')],
    ['UTF-8 that ends in the middle of a character', Buffer.from('张三').subarray(0, 5)],
  ])('is refused if it is %s', async (_name, content) => {
    await expect(read(content)).rejects.toThrow(UsageError);
  });

  test('is refused if it does not exist, or is a folder', async () => {
    await expect(readLines(join(folder, 'none')).next()).rejects.toThrow(UsageError);
    await expect(readLines(folder).next()).rejects.toThrow(UsageError);
  });

  test('may have a line of 10 MiB, of which the beginning is read', async () => {
    const [first, second] = await read(`${'x'.repeat(10 * 1024 * 1024)}\na2\n`);
    expect([first?.number, first?.text.length]).toEqual([1, 1_024]);
    expect(second).toEqual({ number: 2, text: 'a2' });
  });

  test.each([
    ['user', '6229ffa1c05e6bfcade3e3d1', true],
    ['user', 'user_1.2:3@example|x-y', true],
    ['user', 'userId,email', false],
    ['user', '"6229ffa1c05e6bfcade3e3d1"', false],
    ['user', '6229ffa1c05e6bfcade3e3d1;ada', false],
    ['user', '6229ffa1c05e6bfcade3e3d1\tada', false],
    ['user', '张三', false],
    ['user', 'x'.repeat(129), false],
    ['account', 'uid=jalvarez,ou=people,dc=example,dc=com', true],
    ['account', '张三 @ WeChat', true],
    ['account', 'a&b', false],
    ['account', 'a\u0007', false],
    ['account', 'x'.repeat(513), false],
  ] as const)('has a line that may be the id of a %s: %j: %j', (kind, text, isValid) => {
    expect(problemOf(kind, text) === null).toBe(isValid);
  });

  test('of a million lines is counted without memory for a million lines', async () => {
    const ids = Array.from({ length: 1_000_000 }, (_, index) => `a${index.toString(16).padStart(23, '0')}\n`);
    const count = async (content: string): Promise<{ counts: object; maxRssMiB: number }> => {
      const code = `
        const { countTargets } = require('./dist/cli/targets.js');
        const { History } = require('./dist/cli/history.js');
        const history = new History({ kind: 'user', extIdpId: '', revokeSessions: false, path: '' });
        countTargets({ path: process.env.IDS, kind: 'user' }, history).then((counts) => {
          process.stdout.write(JSON.stringify({ counts, maxRssMiB: process.resourceUsage().maxRSS / 1024 }) + '\\n');
        });`;
      const counting = run(['-e', code], { IDS: write(content) });
      await counting.exited;
      return JSON.parse(counting.output()) as { counts: object; maxRssMiB: number };
    };
    const few = await count('a1\n');
    const many = await count(ids.join('') + ids[0]);
    expect(many.counts).toEqual({ new: 1_000_000, done: 0, other: 0, repeated: 1 });
    // A set of the ids takes 145 MiB more.
    expect(many.maxRssMiB - few.maxRssMiB).toBeLessThan(125);
  }, 120_000);
});
