import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  type AuditLog,
  AuditUnavailableError,
  createAuditLog,
  readAudit,
  type RecordedIntent,
  type UnsettledWrite,
  type WriteKind,
} from './audit';
import { TRUSTED } from './callers';
import { ConfigError, readManagementConfig } from './config';
import { InvalidArgumentError, ManagementClient, ManagementRefusedError, ManagementUnreachableError } from './genauth';
import { reconcile } from './identities';

const HELP = `Lists the writes in an audit file whose result is not known:

  open       there is an intent, but no outcome: the process was killed, or the outcome could not be written
  unknown    the outcome is "unknown": GenAuth's response was lost, and reading did not settle it
  abandoned  the outcome is "abandoned": the process had to end before there was a response

Usage: npm run audit:open -- FILE [--reconcile] [--older-than MS]

  --reconcile      reads from GenAuth what the writes changed, with the GENAUTH_* variables of the service, and appends an
                   outcome to FILE where the state is reached that the write asks for: "verified_absent" if the
                   identities are gone, or the user is signed in nowhere; "verified_present" if the account is linked
  --older-than MS  default 60000; younger writes may still be in progress: they are listed, and never reconciled
  --help

Any other state proves nothing. GenAuth may execute the request later, or the state changed since: an identity was linked
again, or the user signed in again. The write stays listed until a new request reaches the state. A write whose user GenAuth
does not know stays listed too, because with the key of another user pool GenAuth knows none of the users. So does one with
an invalid id, or with a date in the future.

Exit code: 0 if every line can be read and nothing is listed; 1 if something is listed, or a line cannot be read; 2 if the
command cannot be executed. In this case nothing was appended.
`;

/** The command cannot be executed. The message is shown to the user. */
class UsageError extends Error {}

interface Command {
  file: string;
  reconcile: boolean;
  olderThanMs: number;
}

/** The number of concurrent reads. It is small compared with the rate limit of the service. */
const WORKERS = 4;
/** For one user, including retries and waiting. */
const READ_TIMEOUT_MS = 30_000;

async function main(): Promise<number> {
  const command = readCommandLine(process.argv.slice(2));
  if (command === 'help') return print(HELP, 0);
  const progress = startProgress();
  try {
    // Checked first, so that no long file is read in vain.
    const management = command.reconcile ? readManagementConfig(process.env, readSecret) : null;
    progress.doing = `reading ${Math.ceil((await attempt(stat(command.file))).size / 1_048_576)} MiB`;
    const { unsettled, unreadable, unreadableLines } = await attempt(readAudit(command.file));
    const now = Date.now();
    const states = new Map(unsettled.map((write) => [write, stateOf(write, now, command.olderThanMs)]));
    const old = unsettled.filter((write) => states.get(write) === write.kind);
    if (management !== null && old.length > 0) {
      const audit = await attempt(createAuditLog(command.file));
      const client = new ManagementClient(management);
      progress.doing = `read 0 of ${old.length}`;
      await reconcileAll(old, client, audit, (write, state) => {
        states.set(write, state);
        progress.doing = `read ${++progress.done} of ${old.length}`;
      });
      await Promise.all([client.close(), audit.close()]);
    }
    const left = unsettled.filter((write) => states.get(write)?.startsWith(SETTLED) !== true);
    if (unreadable > 0) {
      const more = unreadable > unreadableLines.length ? ' and others' : '';
      complain(
        `${unreadable} lines cannot be read, and their records are not listed: line ${unreadableLines.join(', ')}${more}.`,
      );
    }
    print(`${table(states)}${summary(unsettled.length, left)}\n`, 0);
    return left.length === 0 && unreadable === 0 ? 0 : 1;
  } finally {
    progress.stop();
  }
}

function readCommandLine(args: readonly string[]): Command | 'help' {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { reconcile: { type: 'boolean' }, 'older-than': { type: 'string' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (values.help === true) return 'help';
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('give one audit file');
    const olderThan = values['older-than'] ?? '60000';
    if (!/^\d{1,12}$/.test(olderThan)) throw new UsageError('--older-than must be a whole number of milliseconds');
    return { file, reconcile: values.reconcile === true, olderThanMs: Number(olderThan) };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message, { cause: error });
  }
}

/** How the state of a settled write begins. Its outcome follows. */
const SETTLED = 'settled: ';

/** The clock of the machine that wrote the trail may be ahead of ours by this time, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** Returns the kind of a write that may be reconciled. Otherwise says why not. */
function stateOf({ intent, kind }: UnsettledWrite, now: number, olderThanMs: number): string {
  const ageMs = now - Date.parse(intent.ts);
  if (ageMs < -CLOCK_SKEW_MS) return `${kind}: the date is in the future`;
  return ageMs >= olderThanMs ? kind : `${kind}: may be in progress`;
}

/** Settles writes concurrently. */
async function reconcileAll(
  writes: readonly UnsettledWrite[],
  client: ManagementClient,
  audit: AuditLog,
  onState: (write: UnsettledWrite, state: string) => void,
): Promise<void> {
  const rest = writes.values();
  const work = async (): Promise<void> => {
    for (const write of rest) onState(write, await settle(write, client, audit));
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}

/** Settles one write. Returns its outcome. */
async function settle({ intent, kind }: UnsettledWrite, client: ManagementClient, audit: AuditLog): Promise<string> {
  const { operationId, actor, requestId = null } = intent;
  const { userIdInIdp, ...target } = intent.target;
  try {
    const read = await reconcile(intent, client, AbortSignal.timeout(READ_TIMEOUT_MS));
    if ('reason' in read) return `${kind}: ${read.reason}`;
    await audit.outcome({
      kind: kindOf(intent),
      operationId,
      requestId,
      actor: actor ?? TRUSTED,
      target: { ...target, ...(userIdInIdp === undefined ? {} : { userIdInIdp }) },
      outcome: read.outcome,
      removed: null,
      // This command sends no write. `attempts: 0` distinguishes its outcome from one of the service.
      upstream: { statusCode: null, apiCode: null, requestId: null, attempts: 0 },
      latencyMs: Date.now() - Date.parse(intent.ts),
    });
    return `${SETTLED}${read.outcome}`;
  } catch (error) {
    return `${kind}: ${reasonOf(error)}`;
  }
}

function kindOf({ event }: RecordedIntent): WriteKind {
  return event.slice(0, -'.intent'.length) as WriteKind;
}

function reasonOf(error: unknown): string {
  if (error instanceof ManagementRefusedError && error.refusal === 'not_found') return 'GenAuth does not know the user';
  if (error instanceof ManagementRefusedError) return `GenAuth refused the read (${error.refusal})`;
  if (error instanceof ManagementUnreachableError) return `GenAuth could not be read (${error.reason})`;
  if (error instanceof InvalidArgumentError) return error.message;
  if (error instanceof AuditUnavailableError) return 'the outcome could not be written';
  throw error;
}

function table(states: ReadonlyMap<UnsettledWrite, string>): string {
  if (states.size === 0) return '';
  const rows = [...states].map(([{ intent }, state]) => {
    const { ts, operationId, actor } = intent;
    const who = actor === null ? '(router)' : (actor.sub ?? actor.azp ?? '(no name)');
    return [ts, operationId, who, kindOf(intent), describeTarget(intent), state];
  });
  const all = [['ts', 'operationId', 'actor', 'write', 'target', 'state'], ...rows];
  const widths = all.reduce(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [0],
  );
  const lines = all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  // The table contains claims of tokens. A terminal would execute their control characters.
  return lines.map((line) => `${line.trimEnd().replace(/[^ -~]/g, '?')}\n`).join('');
}

function describeTarget({ target: { userId, extIdpId, type, userIdInIdp } }: RecordedIntent): string {
  if (extIdpId === null) return `${userId} (all applications)`;
  return `${userId} ${extIdpId} ${type ?? '(any type)'}${userIdInIdp === undefined ? '' : ` ${userIdInIdp}`}`;
}

function summary(found: number, left: readonly UnsettledWrite[]): string {
  if (found === 0) return 'Every write is settled.';
  const settled = found === left.length ? '' : `${found - left.length} settled, `;
  const kinds = (['open', 'unknown', 'abandoned'] as const).map((kind) => {
    return `${left.filter((write) => write.kind === kind).length} ${kind}`;
  });
  return `${settled}${left.length} of ${found} left: ${kinds.join(', ')}.`;
}

/** Reports the progress on stderr every second. */
function startProgress(): { doing: string; done: number; stop: () => void } {
  const timer = setInterval(() => complain(`${progress.doing} ...`), 1_000);
  const progress = { doing: 'starting', done: 0, stop: () => clearInterval(timer) };
  return progress;
}

/** Turns an error of the file into an error that is shown to the user. */
async function attempt<Value>(opened: Promise<Value>): Promise<Value> {
  try {
    return await opened;
  } catch (error) {
    const { code } = (error instanceof AuditUnavailableError ? error.cause : error) as NodeJS.ErrnoException;
    throw new UsageError(`the audit file cannot be used (${code ?? 'unknown reason'})`, { cause: error });
  }
}

function readSecret(path: string): string {
  return readFileSync(path, 'utf8');
}

function print(text: string, exitCode: number): number {
  process.stdout.write(text);
  return exitCode;
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().then(
  (exitCode) => (process.exitCode = exitCode),
  (error: unknown) => {
    process.exitCode = 2;
    if (error instanceof UsageError) complain(`${error.message}\nSee --help.`);
    else if (error instanceof ConfigError)
      complain(`The environment variables cannot be used:\n  ${error.problems.join('\n  ')}`);
    else throw error;
  },
);
