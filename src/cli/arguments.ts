import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './errors';
import type { FindCommand } from './find';
import type { ListCommand } from './list';
import type { TokenSource } from './token';
import type { UndoCommand } from './undo';
import type { UnlinkFileCommand } from './unlinkFile';
import type { UnlinkOneCommand } from './unlinkOne';

/** The options that every command has. */
export interface Connection {
  url: string;
  tokenSource: TokenSource;
  /** Requests per second. */
  rate: number;
  reason?: string | undefined;
}

/** A command that needs the supergraph. */
export type ConnectedCommand =
  | ({ name: 'list' } & ListCommand & Connection)
  | ({ name: 'find' } & FindCommand & Connection)
  | ({ name: 'unlinkOne' } & UnlinkOneCommand & Connection)
  | ({ name: 'unlinkFile'; dryRun: boolean } & UnlinkFileCommand & Connection)
  | ({ name: 'undo' } & UndoCommand & Connection);

export type Command = ConnectedCommand | 'help' | 'version';

const OPTIONS = {
  url: { type: 'string' },
  'token-command': { type: 'string' },
  rate: { type: 'string' },
  source: { type: 'string' },
  from: { type: 'string' },
  accounts: { type: 'boolean' },
  type: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'keep-last': { type: 'boolean' },
  'revoke-sessions': { type: 'boolean' },
  reason: { type: 'string' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parse>['values'];

/** The options of each command, besides those of all commands. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  list: ['json'],
  find: ['source', 'from', 'json'],
  unlinkOne: ['type', 'yes', 'reason', 'keep-last', 'revoke-sessions'],
  unlinkFile: ['source', 'from', 'accounts', 'dry-run', 'yes', 'reason', 'keep-last', 'revoke-sessions', 'json'],
  undo: ['yes', 'reason', 'json'],
};
const COMMON = ['url', 'token-command', 'rate'];

/** Reads the command line. @throws {UsageError} */
export function readArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  if (args.some((arg) => /^--token(=|$)/.test(arg))) {
    throw new UsageError('There is no --token, because other users can see arguments. Set IDENTITIES_TOKEN.');
  }
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  const [command, ...rest] = positionals;
  switch (command) {
    case 'list': {
      if (rest.length === 0) throw new UsageError('list needs the ids of users.');
      return { name: 'list', ...connection('list', values, env), userIds: rest, json: values.json === true };
    }
    case 'find': {
      const { source, from, json } = values;
      if (source === undefined || (from === undefined) === (rest.length === 0)) {
        throw new UsageError('find needs --source, and either account ids or --from FILE.');
      }
      return { name: 'find', ...connection('find', values, env), source, accounts: from ?? rest, json: json === true };
    }
    case 'unlink':
      return values.source === undefined && values.from === undefined
        ? unlinkOne(values, rest, env)
        : unlinkFile(values, rest, env);
    case 'undo': {
      const [journal, ...others] = rest;
      if (journal === undefined || others.length > 0) throw new UsageError('undo needs the path of one journal.');
      return { name: 'undo', ...connection('undo', values, env), journal, yes: values.yes === true };
    }
    case undefined:
      throw new UsageError('Give a command: list, find, unlink or undo.');
    default:
      throw new UsageError(`There is no command "${command}".`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function unlinkOne(
  values: Values,
  rest: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const [userId, source, ...others] = rest;
  if (userId === undefined || source === undefined || others.length > 0) {
    throw new UsageError('unlink needs USER and SOURCE, or --source SOURCE and --from FILE.');
  }
  const common = connection('unlinkOne', values, env);
  const { type } = values;
  return { name: 'unlinkOne', ...common, userId, source, ...(type === undefined ? {} : { type }), ...flags(values) };
}

function unlinkFile(
  values: Values,
  rest: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { source, from: path, accounts } = values;
  if (source === undefined || path === undefined || rest.length > 0) {
    throw new UsageError('unlink needs both --source SOURCE and --from FILE, and no further argument.');
  }
  const file = { path, kind: accounts === true ? 'account' : 'user' } as const;
  const dryRun = values['dry-run'] === true;
  return { name: 'unlinkFile', ...connection('unlinkFile', values, env), source, file, dryRun, ...flags(values) };
}

function flags(values: Values): { yes: boolean; keepLast: boolean; revokeSessions: boolean } {
  return {
    yes: values.yes === true,
    keepLast: values['keep-last'] === true,
    revokeSessions: values['revoke-sessions'] === true,
  };
}

function connection(command: string, values: Values, env: Readonly<Record<string, string | undefined>>): Connection {
  const allowed = [...COMMON, ...(ALLOWED[command] ?? [])];
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other !== undefined) throw new UsageError(`--${other} cannot be used with this command.`);
  const { reason } = values;
  return {
    url: readUrl(values.url ?? env['IDENTITIES_URL']),
    tokenSource: readTokenSource(values['token-command'], env),
    rate: readRate(values.rate),
    ...(reason === undefined ? {} : { reason: readReason(reason) }),
  };
}

function readUrl(given: string | undefined): string {
  if (given === undefined || given === '')
    throw new UsageError('Give the address of the supergraph: --url or IDENTITIES_URL.');
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new UsageError('--url must be an http or https address without credentials.');
  }
  return url.href;
}

function readTokenSource(command: string | undefined, env: Readonly<Record<string, string | undefined>>): TokenSource {
  if (command !== undefined) return { from: 'command', command };
  const { IDENTITIES_TOKEN_FILE: path = '', IDENTITIES_TOKEN: token = '' } = env;
  if (path !== '') return { from: 'file', path };
  return token === '' ? { from: 'nowhere' } : { from: 'environment', token };
}

function readRate(given = '50'): number {
  const rate = Number(given);
  if (!/^\d+(\.\d+)?$/.test(given) || rate < 0.1 || rate > 1_000) {
    throw new UsageError('--rate must be a number of requests per second, from 0.1 to 1000.');
  }
  return rate;
}

function readReason(reason: string): string {
  if (reason.trim() === '' || reason.length > 200 || /\p{C}/u.test(reason)) {
    throw new UsageError('--reason must be 1 to 200 characters, without control characters.');
  }
  return reason;
}
