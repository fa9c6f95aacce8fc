import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { observe, type ObserveOptions } from './soak/observe';
import { draw } from './soak/picture';
import { findProblems, type Observation, toMarkdown } from './soak/report';

const HELP = `Puts dist/main.js under a mixed load, while one call in twenty to GenAuth fails in one of all the ways there are, and says
whether it holds: whether its memory grows, and whether anything is left behind.

Usage: npm run soak -- [options]

  --minutes MINUTES  default 5, at least 4; half an hour tells something
  --rate REQUESTS    default 100; requests per second
  --save             writes docs/soak.md and docs/soak.svg
  --help

The first fifth is a warm-up that memory is not judged by, of at least 2 minutes. Ctrl+C ends it early,
with the report of what was seen so far.

Exit code: 0 when all is well; 1 when memory grows by more than 1 MB/min, when handles or timers are left behind, when a
request had no answer or an unlink no outcome, or when the process ended or logged an error; 2 when the command cannot be
followed.
`;

/** The command cannot be followed. The message is for the person who wrote it. */
class UsageError extends Error {}

interface Command {
  minutes: number;
  rate: number;
  save: boolean;
}

async function main(): Promise<number> {
  const command = readCommandLine(process.argv.slice(2));
  if (command === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const end = new AbortController();
  // Of one Ctrl+C npm and tsx make several signals.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end.abort());
  process.stdout.write(
    'minute   memory MB: resident, heap   loop delay ms   handles   in flight   waiting   requests\n',
  );
  const seen = await observe({ ...command, signal: end.signal, onSample: printSample });
  const numbers = await toMarkdown(seen);
  const problems = findProblems(seen);
  process.stdout.write(`\n${numbers}\n`);
  process.stdout.write(problems.map((problem) => `NOT WELL: ${problem}\n`).join('') || 'All is well.\n');
  if (command.save) await save(seen, numbers);
  return problems.length === 0 ? 0 : 1;
}

const printSample: ObserveOptions['onSample'] = (sample, { sent }) => {
  const { minute, rssMB, heapMB, loopDelayMs, handles, inFlight, waiting } = sample;
  const cells = [
    minute.toFixed(1),
    rssMB.toFixed(1),
    heapMB.toFixed(1),
    loopDelayMs.toFixed(1),
    handles,
    inFlight,
    waiting,
    sent,
  ];
  const widths = [6, 21, 8, 16, 10, 12, 10, 11];
  process.stdout.write(`${cells.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join('')}\n`);
};

/** @throws {UsageError} naming the option that is wrong. */
function readCommandLine(args: readonly string[]): Command | 'help' {
  const options = {
    minutes: { type: 'string', default: '5' },
    rate: { type: 'string', default: '100' },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options, allowPositionals: false }));
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
  if (values.help) return 'help';
  return {
    minutes: numberFrom('--minutes', values.minutes, { min: 4, max: 10_000 }),
    rate: numberFrom('--rate', values.rate, { min: 1, max: 10_000 }),
    save: values.save,
  };
}

function numberFrom(option: string, text: string, { min, max }: { min: number; max: number }): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(number >= min && number <= max)) throw new UsageError(`${option} must be a number from ${min} to ${max}`);
  return number;
}

async function save(seen: Observation, numbers: string): Promise<void> {
  const docs = join(__dirname, '..', 'docs');
  await writeFile(join(docs, 'soak.svg'), draw(seen));
  await writeFile(join(docs, 'soak.md'), `${INTRODUCTION}\n${numbers}`);
  process.stdout.write('Written: docs/soak.md, docs/soak.svg\n');
}

const INTRODUCTION = `# A long run

Written by \`npm run soak -- --save\`, which says with \`--help\` what it does and what counts as well.

![Memory, event-loop delay and handles over the time of the run](soak.svg)
`;

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const usage = error instanceof UsageError;
    process.stderr.write(
      usage ? `${error.message}\nSee npm run soak -- --help.\n` : `The run cannot go on: ${String(error)}\n`,
    );
    process.exit(usage ? 2 : 1);
  },
);
