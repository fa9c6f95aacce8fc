import fc from 'fast-check';
import { createLog, logRequest } from '../src/log';

type Report = Parameters<typeof logRequest>[1];

const text = fc.string({ unit: 'binary' });
const reports: fc.Arbitrary<Report> = fc.record({
  requestId: text,
  traceId: fc.option(text),
  operation: fc.constantFrom('entities' as const, 'unlink' as const, 'service' as const, 'other' as const),
  operationName: fc.option(text),
  outcome: fc.constantFrom('ok' as const, 'partial' as const, 'error' as const, 'rejected' as const),
  codes: fc.array(text, { maxLength: 3 }),
  ms: fc.nat(),
  calls: fc.nat(),
  operationId: fc.option(text),
});

/** The lines that a log of some level has written for a report. */
function linesFor(report: Report, level = 'info'): string[] {
  const lines: string[] = [];
  logRequest(createLog(level, { write: (line) => void lines.push(line) }), report);
  return lines;
}

describe('the line of a request', () => {
  test('is one line of JSON with everything that was reported, whatever characters it contains', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const lines = linesFor(report);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^[^\n]*\n$/);
        const time = expect.any(Number) as number;
        expect(JSON.parse(lines[0] ?? '')).toEqual({ ...report, level: 30, time, msg: 'request' });
      }),
    );
  });

  test('has whole milliseconds', () => {
    const [report] = fc.sample(reports, 1) as [Report];
    expect(linesFor({ ...report, ms: 12.6 })[0]).toContain('"ms":13,');
  });

  test('is not written if the level of the log is higher', () => {
    const [report] = fc.sample(reports, 1) as [Report];
    expect(linesFor(report, 'warn')).toEqual([]);
  });
});
