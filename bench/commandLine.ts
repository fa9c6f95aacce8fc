import { parseArgs } from 'node:util';
import { type Contender, CONTENDERS, REFERENCE } from './contenders';
import type { Plan } from './measure';
import { readNumber, UsageError } from './usage';
import { PROFILES, SWEEP, type Workload, WORKLOADS } from './workloads';

export interface Options {
  contenders: readonly Contender[];
  workloads: readonly Workload[];
  limit: boolean;
  documents: boolean;
  sweep: readonly Workload[];
  plan: Plan;
  save: boolean;
  check: boolean;
}

const OTHERS = ['limit', 'documents', 'sweep'];
const names = (all: readonly { name: string }[]): string => all.map(({ name }) => name).join(', ');

export const HELP = `npm run bench -- [options]

Measures this subgraph against a proxy written by hand (H) and other GraphQL servers, in alternating rounds.

  --quick            under 3 minutes: 3 short rounds, without profiles, limit, documents and sweep
  --only NAME,...    these contenders, and H: ${names(CONTENDERS)}
  --workload NAME,.. these workloads: ${names([...WORKLOADS, PROFILES])}, ${OTHERS.join(', ')}
  --rounds N         default 5, with --quick 3
  --save             writes docs/performance.json and docs/performance.svg
  --check            fails if a ratio of this subgraph to H is below half of that in bench/baseline.json
  --help
`;

/** @throws {UsageError} An option or a name is wrong. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      workload: { type: 'string' },
      rounds: { type: 'string' },
      save: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, only, workload, rounds, save, check, help } = values;
  if (help) return 'help';
  if (save && (only !== undefined || workload !== undefined)) {
    throw new UsageError('--save needs a complete run, without --only and --workload');
  }
  const contenders = only === undefined ? CONTENDERS : chosen(CONTENDERS, `${REFERENCE},${only}`, '--only');
  const all = [...WORKLOADS, PROFILES, ...OTHERS.map((name) => ({ name }))];
  const byDefault = quick ? WORKLOADS : all;
  const picked = new Set(
    (workload === undefined ? byDefault : chosen(all, workload, '--workload')).map(({ name }) => name),
  );
  return {
    contenders,
    workloads: [...WORKLOADS, PROFILES].filter(({ name }) => picked.has(name)),
    limit: picked.has('limit'),
    documents: picked.has('documents'),
    sweep: picked.has('sweep') ? SWEEP : [],
    plan: {
      rounds: rounds === undefined ? (quick ? 3 : 5) : readNumber('--rounds', rounds, { min: 1, max: 999 }),
      seconds: quick ? 0.6 : 2,
      warmUpSeconds: quick ? 2 : 4,
    },
    save,
    check,
  };
}

function chosen<Named extends { name: string }>(all: readonly Named[], list: string, option: string): Named[] {
  const wanted = new Set(list.split(','));
  for (const name of wanted) {
    if (!all.some((one) => one.name === name)) throw new UsageError(`${option} ${name}: choose from ${names(all)}`);
  }
  return all.filter(({ name }) => wanted.has(name));
}
