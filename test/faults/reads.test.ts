import { FAULT_CASES } from './cases';
import type { Fault, ReadResult } from './faultCase';
import { playAll, playRead } from './play';

interface Case {
  title: string;
  fault: Fault;
  times: number;
  expected: ReadResult;
}

const cases = FAULT_CASES.flatMap(({ name, fault, read, readOnce }): Case[] => [
  ...(read ? [{ title: name, fault, times: Infinity, expected: read }] : []),
  ...(readOnce ? [{ title: `${name}, once`, fault, times: 1, expected: readOnce }] : []),
]);

describe('a read of User.identities has the result of its row', () => {
  let results: ReadResult[];

  beforeAll(async () => {
    results = await playAll(cases, ({ fault, times }) => playRead(fault, times));
  }, 240_000);

  test.each(cases.map(({ title }, index) => [title, index] as const))('%s', (_title, index) => {
    expect(results[index]).toEqual(cases[index]?.expected);
  });
});
