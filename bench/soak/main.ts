import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DOCS, writeFormatted } from '../saved';
import { readNumber, UsageError } from '../usage';
import { chart } from './chart';
import { observe, type ObserveOptions } from './observe';
import { findProblems, type Observation, toMarkdown } from './report';

const HELP = `Puts dist/main.js under a mixed load of pages, reads, unlinks, hostile clients and bulks of the command line, while the
GenAuth emulator fails one call in twenty, with every fault it knows.
Afterwards it reports memory growth and everything that was left behind.

Usage: npm run soak -- [options]

  --minutes MINUTES  default 5, at least 4. A slow leak takes half an hour to show
  --rate REQUESTS    default 100; requests per second
  --save             writes docs/soak.md and docs/soak.svg
  --help

Memory is judged after a warm-up: the first fifth of the run, and at least 2 minutes. Ctrl+C ends the run early and reports
what was observed.

Exit code:
  0  no problem was found
  1  memory grew by more than 0.5 MB/min, handles or timers were left behind, a request had no response or was sent late,
     a bulk lost a user, an unlink has no outcome in the audit trail, or the process exited or logged an error
  2  the command line is wrong
`;

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
  // Not `once`: one Ctrl+C can reach this process twice, from the terminal and from npm.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end.abort());
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  try {
    process.stdout.write(`${COLUMNS.map(([title]) => title).join('  ')}\n`);
    const seen = await observe({ ...command, folder, signal: end.signal, onSample: printSample });
    const numbers = toMarkdown(seen);
    const problems = findProblems(seen);
    process.stdout.write(`\n${numbers}\n`);
    process.stdout.write(problems.map((problem) => `PROBLEM: ${problem}\n`).join('') || 'No problem was found.\n');
    if (command.save) await save(seen, numbers);
    return problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Cell = (...args: Parameters<ObserveOptions['onSample']>) => string;

const COLUMNS: readonly (readonly [title: string, cell: Cell])[] = [
  ['minute', ({ minute }) => minute.toFixed(1)],
  ['resident MB', ({ rssMB }) => rssMB.toFixed(1)],
  ['heap MB', ({ heapMB }) => heapMB.toFixed(1)],
  ['loop delay ms', ({ loopDelayMs }) => loopDelayMs.toFixed(1)],
  ['handles', ({ handles }) => String(handles)],
  ['in flight', ({ inFlight }) => String(inFlight)],
  ['queued', ({ waiting }) => String(waiting)],
  ['requests', (_sample, { sent }) => String(sent)],
];

const printSample: ObserveOptions['onSample'] = (sample, tally) => {
  const cells = COLUMNS.map(([title, cell]) => cell(sample, tally).padStart(title.length));
  process.stdout.write(`${cells.join('  ')}\n`);
};

/** @throws {UsageError} naming the wrong option. */
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
    minutes: readNumber('--minutes', values.minutes, { min: 4, max: 10_000 }),
    rate: readNumber('--rate', values.rate, { min: 1, max: 10_000 }),
    save: values.save,
  };
}

async function save(seen: Observation, numbers: string): Promise<void> {
  writeFileSync(join(DOCS, 'soak.svg'), chart(seen));
  await writeFormatted(join(DOCS, 'soak.md'), `${INTRODUCTION}\n${numbers}`);
  process.stdout.write('Written: docs/soak.md, docs/soak.svg\n');
}

const INTRODUCTION = `# Soak test

This page shows that the process does not leak memory, handles or requests under a long mixed load with faults. It is
written by \`npm run soak -- --save\`; \`--help\` describes the load and the limits.

![Memory, event-loop delay and handles over the time of the run](soak.svg)
`;

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    process.stderr.write(
      isUsage ? `${error.message}\nSee npm run soak -- --help.\n` : `The run failed: ${String(error)}\n`,
    );
    process.exit(isUsage ? 2 : 1);
  },
);
