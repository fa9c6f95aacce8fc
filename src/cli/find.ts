import { EXIT, type ExitCode } from './errors';
import { problemOf } from './ids';
import { type Line, readLines } from './lines';
import { findSource } from './sources';
import type { Supergraph } from './supergraph';
import { complain, print, printable } from './terminal';
import { BATCH, readOwners } from './users';

export interface FindCommand {
  /** Id or name. */
  source: string;
  /** Account ids, or the path of a file of them. */
  accounts: readonly string[] | string;
  json: boolean;
}

/** Prints the owners of accounts, in the same order. */
export async function find({ source, accounts, json }: FindCommand, supergraph: Supergraph): Promise<ExitCode> {
  const { id } = await findSource(supergraph, source);
  const found: { account: string; userId: string | null }[] = [];
  let failed = 0;
  const report = (account: string, userId: string | null): void => {
    if (json) found.push({ account, userId });
    else print(`${printable(account)}\t${userId ?? '-'}`);
  };
  const readAll = async (some: readonly string[]): Promise<void> => {
    const owners = await readOwners(supergraph, id, some);
    some.forEach((account, index) => {
      const owner = owners[index] ?? null;
      if (owner === null || typeof owner !== 'string') return report(account, owner?.id ?? null);
      failed++;
      complain(`The owner of ${printable(account)} cannot be read (${printable(owner)}).`);
    });
  };
  let batch: string[] = [];
  for await (const { text, number } of linesOf(accounts)) {
    const problem = problemOf('account', text);
    if (problem !== null) {
      failed++;
      complain(`Line ${number}: "${printable(text.slice(0, 60))}" is ${problem}.`);
    } else if (batch.push(text) === BATCH) {
      await readAll(batch);
      batch = [];
    }
  }
  if (batch.length > 0) await readAll(batch);
  if (json) print(JSON.stringify(found));
  return failed === 0 ? EXIT.done : EXIT.left;
}

async function* linesOf(accounts: readonly string[] | string): AsyncGenerator<Line> {
  if (typeof accounts === 'string') yield* readLines(accounts);
  else yield* accounts.map((text, index) => ({ text, number: index + 1 }));
}
