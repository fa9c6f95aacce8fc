import { constants, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Stdout, StdoutBlockedError } from '../src/stdout';
import { createFifo, type Fifo } from './support/fifo';

const NOW = { timeoutMs: 10_000, keep: false };

describe('stdout', () => {
  let fifo: Fifo;
  let stdout: Stdout;
  let resumed: number[];
  let testEnd: AbortController;

  beforeEach(() => {
    testEnd = new AbortController();
    fifo = createFifo();
    resumed = [];
    // A description of its own, which does not block: for fd 1 Node sees to that.
    const fd = openSync(`/proc/self/fd/${fifo.writer}`, constants.O_WRONLY | constants.O_NONBLOCK);
    stdout = new Stdout({ fd, onResume: (lines) => resumed.push(lines) });
  });
  afterEach(async () => {
    testEnd.abort();
    await stdout.close(0);
    fifo.close();
  });

  /** Reads until the output contains a text. */
  async function readUntil(text: string): Promise<string> {
    let output = '';
    const { signal } = testEnd;
    while (!output.includes(text) && !signal.aborted) {
      output += fifo.read();
      await pause(1);
    }
    return output;
  }

  test('gets log lines whole and in order, within 50 ms or as soon as there are 8 KiB', async () => {
    stdout.write('first\n');
    stdout.write('second\n');
    expect(fifo.read()).toBe('');
    expect(await readUntil('second\n')).toBe('first\nsecond\n');
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 8; count++) stdout.write(line);
    expect(fifo.read()).toBe(line.repeat(8));
  });

  test('keeps log lines up to 1 MiB while it is blocked, and drops and counts the others', async () => {
    const filled = fifo.fill();
    // Nine lines make 8 KiB, so that the last of them do not wait for others.
    const lines = Array.from({ length: 9 * 333 }, (_, number) => `${String(number).padStart(999, '.')}\n`);
    for (const line of lines) stdout.write(line);
    expect(stdout.droppedLines).toBeGreaterThan(1_900);
    expect(resumed).toEqual([]);
    const kept = lines.length - stdout.droppedLines;
    const output = await readUntil(lines[kept - 1] ?? '');
    // Not `toBe`: its comparison of two such texts takes minutes when they differ.
    expect(output === filled + lines.slice(0, kept).join('')).toBe(true);
    expect(resumed).toEqual([stdout.droppedLines]);
    stdout.write('last\n');
    await readUntil('last\n');
    expect(resumed).toEqual([stdout.droppedLines]);
  });

  test('gets a record at once, and before the log lines that wait', async () => {
    await stdout.writeRecord('record\n', NOW);
    expect(fifo.read()).toBe('record\n');
    const filled = fifo.fill();
    stdout.write('line\n');
    stdout.flushSync();
    const written = stdout.writeRecord('urgent\n', NOW);
    expect(await readUntil('line\n')).toBe(`${filled}urgent\nline\n`);
    await written;
  });

  test('rejects a record that it cannot write in time, and withdraws it', async () => {
    const filled = fifo.fill();
    await expect(stdout.writeRecord('late\n', { timeoutMs: 20, keep: false })).rejects.toThrow(StdoutBlockedError);
    const written = stdout.writeRecord('next\n', NOW);
    expect(await readUntil('next\n')).toBe(`${filled}next\n`);
    await written;
  });

  test('writes a record late that it has to keep', async () => {
    const filled = fifo.fill();
    await expect(stdout.writeRecord('kept\n', { timeoutMs: 20, keep: true })).rejects.toThrow(StdoutBlockedError);
    expect(await readUntil('kept\n')).toBe(`${filled}kept\n`);
  });

  test('rejects records at once when 256 KiB of them wait', async () => {
    fifo.fill();
    const record = `${'r'.repeat(100_000)}\n`;
    const waiting = [1, 2].map(() => stdout.writeRecord(record, { timeoutMs: 200, keep: false }));
    const settled = Promise.allSettled(waiting);
    await expect(stdout.writeRecord(record, { timeoutMs: 60_000, keep: false })).rejects.toThrow(StdoutBlockedError);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    // The bound is for those that wait, and none waits any more.
    void stdout.writeRecord(record, { timeoutMs: 60_000, keep: false }).catch(() => undefined);
    expect(/^#+r{100000}\n$/.test(await readUntil('r\n'))).toBe(true);
  });

  test('never has a log line inside a record, however slowly it is read', async () => {
    const record = `<${'r'.repeat(150_000)}>\n`;
    const written = stdout.writeRecord(record, NOW);
    for (let number = 0; number < 1_000; number++) stdout.write(`line ${number}\n`);
    const output = await readUntil('line 999\n');
    await written;
    expect(output.split('\n').filter((line) => !/^(<r{150000}>|line \d+|)$/.test(line)).length).toBe(0);
    expect(output.includes(record)).toBe(true);
  });

  test('completes a record that it has begun to write, although it was rejected', async () => {
    const record = `<${'r'.repeat(150_000)}>\n`;
    await expect(stdout.writeRecord(record, { timeoutMs: 50, keep: false })).rejects.toThrow(StdoutBlockedError);
    stdout.write('after\n');
    expect(await readUntil('after\n')).toHaveLength(record.length + 6);
  });

  test('rejects records with the error of a closed pipe', async () => {
    fifo.closeReader();
    stdout.write('lost\n');
    const cause = expect.objectContaining({ code: 'EPIPE' }) as unknown;
    await expect(stdout.writeRecord('lost\n', { timeoutMs: 50, keep: false })).rejects.toMatchObject({ cause });
  });

  test('waits at its end for a slow reader, but not for one that has stopped', async () => {
    const filled = fifo.fill();
    stdout.write('last\n');
    const closed = stdout.close(10_000);
    expect(await readUntil('last\n')).toBe(`${filled}last\n`);
    await closed;
    fifo.fill();
    stdout.write('lost\n');
    await stdout.close(50);
  });
});
