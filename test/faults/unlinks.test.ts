import { FAULTS } from './matrix';
import { type Fault, playAll, playUnlink, type UnlinkOutcome, type UnlinkReport } from './scene';

interface Case {
  title: string;
  fault: Fault;
  executed?: boolean;
  expected: UnlinkOutcome;
}

const cases = FAULTS.flatMap((fault): Case[] => {
  const { name, unlink } = fault;
  if (unlink === null) return [];
  if (unlink !== 'settled')
    return [{ title: `${name}: the caller gets what is in the table`, fault, expected: unlink }];
  return [
    {
      title: `${name}, after GenAuth executed it: reading settles it`,
      fault,
      executed: true,
      expected: { gets: 'success: true', posts: 1, reads: 1 },
    },
    {
      title: `${name}, and GenAuth did not execute it: the outcome is unknown`,
      fault,
      executed: false,
      expected: { gets: 'UNLINK_OUTCOME_UNKNOWN', outcome: 'UNKNOWN', posts: 1, reads: 2 },
    },
  ];
});

describe('an unlink', () => {
  let reports: UnlinkReport[];

  beforeAll(async () => {
    reports = await playAll(cases, ({ fault, executed }) => playUnlink(fault, executed));
  }, 60_000);

  test.each(cases.map(({ title }, index) => [title, index] as const))('%s', (_title, index) => {
    const { executions, gone, ...outcome } = reports[index] as UnlinkReport;
    expect(outcome).toEqual(cases[index]?.expected);
    // What is answered is true, whatever the table says.
    expect(executions).toBeLessThanOrEqual(1);
    if (outcome.gets === 'success: true') expect(gone).toBe(true);
    if (outcome.gets === 'success: false' || outcome.outcome === 'NOT_EXECUTED') expect(executions).toBe(0);
  });
});
