import fc from 'fast-check';
import { pino } from 'pino';
import { createRequestLog, GatheringStream, type RequestReport } from '../src/log';

/** A log as the process has one, and what it has written. */
function gathering(level = 'info'): { log: pino.Logger; written: () => string[] } {
  const texts: string[] = [];
  const stream = new GatheringStream({ write: (text) => void texts.push(text) });
  const written = (): string[] => {
    stream.flushSync();
    return texts.splice(0);
  };
  return { log: pino({ level, base: null }, stream), written };
}

const LINE: RequestReport = {
  requestId: 'router-request-1',
  traceId: null,
  operation: 'unlink',
  operationName: null,
  outcome: 'ok',
  codes: [],
  ms: 12,
  calls: 1,
};

const text = fc.string({ unit: 'binary' });
const lines: fc.Arbitrary<RequestReport> = fc.record({
  requestId: text,
  traceId: fc.option(text),
  operation: fc.constantFrom('entities' as const, 'unlink' as const, 'service' as const, 'other' as const),
  operationName: fc.option(text),
  outcome: fc.constantFrom('ok' as const, 'partial' as const, 'error' as const, 'refused' as const),
  codes: fc.array(text, { maxLength: 3 }),
  ms: fc.nat(),
  calls: fc.nat(),
});

const withoutTime = (line: string | undefined): string => (line ?? '').replace(/"time":\d+/, '"time":0');

describe('the line of a request', () => {
  test('is the one that the log itself would write, whatever is in it', () => {
    const { log, written } = gathering();
    const logRequest = createRequestLog(log);
    fc.assert(
      fc.property(lines, (line) => {
        logRequest(line);
        const [byHand] = written();
        log.info(line, 'request');
        const [byPino] = written();
        expect(withoutTime(byHand)).toBe(withoutTime(byPino));
        expect(JSON.parse(byHand ?? '')).toMatchObject({ ...line, level: 30, msg: 'request' });
      }),
    );
  });

  test('is not written where the log is to be quieter, nor past a log of another kind', () => {
    const { log, written } = gathering('warn');
    createRequestLog(log)(LINE);
    expect(written()).toEqual([]);
    const texts: string[] = [];
    createRequestLog(pino({ base: null }, { write: (line) => void texts.push(line) }))(LINE);
    expect(texts.map((line) => JSON.parse(line) as object)).toMatchObject([{ ...LINE, msg: 'request' }]);
  });
});

describe('lines that are gathered', () => {
  test('stay whole and in order, and wait no longer than 50 ms or 8 KiB', async () => {
    const texts: string[] = [];
    const stream = new GatheringStream({ write: (chunk) => void texts.push(chunk) });
    stream.write('first\n');
    stream.write('second\n');
    expect(texts).toEqual([]);
    while (texts.length === 0) await new Promise(setImmediate);
    expect(texts).toEqual(['first\nsecond\n']);
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 8; count++) stream.write(line);
    expect(texts.slice(1)).toEqual([line.repeat(8)]);
    stream.flushSync();
    expect(texts).toHaveLength(2);
  });
});
