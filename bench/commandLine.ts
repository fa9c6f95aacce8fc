import { parseArgs } from 'node:util';
import { type Contender, CONTENDERS, QUICK_CONTENDERS, REFERENCE } from './contenders';
import type { Plan } from './measure';
import { readNumber, UsageError } from './usage';
import { QUICK, SWEEP, type Workload, WORKLOADS } from './workloads';

export interface Options {
  contenders: readonly Contender[];
  workloads: readonly Workload[];
  /** Further measurements, by their names in `OTHERS`. */
  others: ReadonlySet<string>;
  sweep: readonly Workload[];
  plan: Plan;
  save: boolean;
  check: boolean;
}

const OTHERS = ['limit', 'bulk', 'gateway', 'documents', 'start', 'sweep'];
const names = (all: readonly { name: string }[]): string => all.map(({ name }) => name).join(', ');

export const HELP = `npm run bench -- [options]

Measures this subgraph against a proxy written by hand (H) and other GraphQL servers, in alternating rounds.

  --quick            under 3 minutes: 3 short rounds, ${QUICK.size} workloads, ${QUICK_CONTENDERS.size} contenders
  --only NAME,...    these contenders, and H: ${names(CONTENDERS)}
  --workload NAME,.. these workloads: ${names(WORKLOADS)}, ${OTHERS.join(', ')}
  --rounds N         default 5, with --quick 3
  --seconds N        default 2, with --quick 0.4; seconds of a round. The warm-up takes 2 rounds, with --quick 3
  --save             writes docs/performance.json, docs/performance.svg, the tables of docs/performance.md and
                     bench/baseline.json; on other versions than Node 20 docs/performance.node.json and the tables
  --check            fails if a ratio of this subgraph is below half of that in bench/baseline.json in every round
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
      seconds: { type: 'string' },
      save: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, only, workload, save, check, help } = values;
  if (help) return 'help';
  if (save && (only !== undefined || workload !== undefined)) {
    throw new UsageError('--save needs a complete run, without --only and --workload');
  }
  const rounds = readNumber('--rounds', values.rounds ?? (quick ? '3' : '5'), { min: 1, max: 999 });
  const seconds = readNumber('--seconds', values.seconds ?? (quick ? '0.4' : '2'), { min: 0.1, max: 60 });
  const ofRun = quick ? CONTENDERS.filter(({ name }) => QUICK_CONTENDERS.has(name)) : CONTENDERS;
  const contenders = only === undefined ? ofRun : chosen(CONTENDERS, `${REFERENCE},${only}`, '--only');
  const all = [...WORKLOADS, ...OTHERS.map((name) => ({ name }))];
  const byDefault = quick ? WORKLOADS.filter(({ name }) => QUICK.has(name)) : all;
  const picked = new Set(
    (workload === undefined ? byDefault : chosen(all, workload, '--workload')).map(({ name }) => name),
  );
  return {
    contenders,
    workloads: WORKLOADS.filter(({ name }) => picked.has(name)),
    others: new Set(OTHERS.filter((name) => picked.has(name))),
    sweep: picked.has('sweep') ? SWEEP : [],
    // Compilers need more than a second to warm up.
    plan: { rounds, seconds, warmUpSeconds: (quick ? 3 : 2) * seconds },
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
