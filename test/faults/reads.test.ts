import { FAULTS } from './matrix';
import { playAll, playRead } from './scene';

/** What a second attempt is for: these are asked again, and then the answer is there. */
const passing = FAULTS.filter(
  ({ making, read }) => making.spoil !== undefined && making.meets === undefined && read?.calls === 2 && !making.times,
).filter(({ read }) => read?.gets[0]?.startsWith('UPSTREAM_') && !read.gets.includes('UPSTREAM_REJECTED'));

const met = FAULTS.filter(({ read }) => read !== null);

const cases = [
  ...met.map((fault) => ({
    title: `${fault.name}: the reader gets what is in the table`,
    fault,
    expected: fault.read,
  })),
  ...passing.map((fault) => ({
    title: `${fault.name}, once: the reader gets the identities`,
    fault,
    times: 1,
    expected: { gets: ['identities'], calls: 2 },
  })),
];

describe('a read of User.identities', () => {
  let reports: Awaited<ReturnType<typeof playRead>>[];

  beforeAll(async () => {
    reports = await playAll(cases, ({ fault, ...options }) =>
      playRead(fault, 'times' in options ? options.times : undefined),
    );
  }, 60_000);

  test.each(cases.map(({ title }, index) => [title, index] as const))('%s', (_title, index) => {
    expect(reports[index]).toEqual(cases[index]?.expected);
  });
});
