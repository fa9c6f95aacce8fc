import { FAULT_CASES } from './cases';
import type { Fault, UnlinkResult } from './faultCase';
import { playAll, playUnlink, type UnlinkReport } from './play';

interface Case {
  title: string;
  fault: Fault;
  executed: boolean;
  expected: UnlinkResult;
}

const cases = FAULT_CASES.flatMap(({ name, fault, unlinkExecuted, unlinkNotExecuted }): Case[] => [
  ...(unlinkExecuted ? [{ title: `${name}: executed`, fault, executed: true, expected: unlinkExecuted }] : []),
  ...(unlinkNotExecuted
    ? [{ title: `${name}: not executed`, fault, executed: false, expected: unlinkNotExecuted }]
    : []),
]);

describe('an unlink has the result of its row', () => {
  let reports: UnlinkReport[];

  beforeAll(async () => {
    reports = await playAll(cases, ({ fault, executed }) => playUnlink(fault, executed));
  }, 240_000);

  test.each(cases.map(({ title }, index) => [title, index] as const))('%s', (_title, index) => {
    const { executions, gone, areRemovedGone, ...result } = reports[index] as UnlinkReport;
    expect(result).toEqual(cases[index]?.expected);
    // Whatever the row says, the result is true.
    expect(executions).toBeLessThanOrEqual(Math.max(1, result.posts));
    expect(areRemovedGone).not.toBe(false);
    if (result.gets === 'success: true') expect(gone).toBe(true);
    // GenAuth may have executed one of two requests, and refused the other.
    if (result.gets === 'success: false') expect(executions).toBeLessThan(Math.max(1, result.posts));
    if (result.outcome === 'NOT_EXECUTED') expect(executions).toBe(0);
  });
});
