import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { apolloGateway } from '../federation/gateways';
import { type Issuer, startIssuer } from '../support/issuer';
import { ROOT } from '../support/process';
import { type Stack, type StackOptions, startStack, userIdsOf } from '../support/stack';
import { startUsers } from '../support/supergraph';

/** The scopes of an operator. */
export const SCOPES = 'identity:read identity:unlink identity:link identity:sessions';

/** A supergraph as operators have it: gateway, users, and this subgraph with `AUTH_MODE=strict`. */
export interface Supergraph {
  url: string;
  stack: Stack;
  issuer: Issuer;
  /** A folder for files. */
  folder: string;
  /** The file of the audit trail. */
  audit: string;
  /** The token of a machine with these scopes. Default: all of them. */
  token(scope?: string): string;
  /** Writes a file of ids, one per line. @returns Its path. */
  write(name: string, lines: readonly string[] | string): Promise<string>;
  close(): Promise<void>;
}

export async function startSupergraph(options: Omit<StackOptions, 'issuer'> = {}): Promise<Supergraph> {
  const folder = await mkdtemp(join(tmpdir(), 'cli-'));
  const audit = join(folder, 'audit.log');
  const issuer = await startIssuer();
  const env = { GENAUTH_MAX_QPS: '100000', AUDIT_LOG: audit, ...options.env };
  const stack = await startStack({ ...options, issuer, env });
  const users = await startUsers(userIdsOf(stack.emulator));
  const gateway = await apolloGateway.start({ users: users.url, identities: `${stack.subgraph.url}/graphql` });
  return {
    url: gateway.url,
    stack,
    issuer,
    folder,
    audit,
    token: (scope = SCOPES) => issuer.token({ sub: undefined, scope }),
    async write(name, lines) {
      const path = join(folder, name);
      await writeFile(path, typeof lines === 'string' ? lines : lines.map((line) => `${line}\n`).join(''));
      return path;
    },
    async close() {
      await gateway.close();
      await users.close();
      await stack.close();
      await issuer.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A run of `dist/cli.js` that has ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The last line of stdout. */
  summary: Record<string, unknown>;
}

/** A run of `dist/cli.js`. */
export interface Run {
  child: ChildProcessWithoutNullStreams;
  ended: Promise<Ended>;
}

/** Starts `dist/cli.js`. @param env Added to an environment that has `PATH` only. @param input Default: an empty stdin. */
export function start(args: readonly string[], env: Record<string, string>, input = ''): Run {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['dist/cli.js', ...args], { cwd: ROOT, env: { PATH, ...env } });
  child.stdin.on('error', () => undefined).end(input);
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr, [code]]) => ({
      code: code as number | null,
      stdout,
      stderr,
      summary: parseLast(stdout),
    }),
  );
  return { child, ended };
}

function parseLast(stdout: string): Record<string, unknown> {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Runs `dist/cli.js` with the token of an operator. */
export function run(
  { url, token }: Pick<Supergraph, 'url' | 'token'>,
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<Ended> {
  return start(args, { IDENTITIES_URL: url, IDENTITIES_TOKEN: token(), ...env }, input).ended;
}

export interface Line extends Record<string, unknown> {
  userId: string | null;
  state: string;
  removed?: { extIdpId: string; type: string; userIdInIdp: string | null }[];
}

/** Reads a journal. Each line must be complete. */
export async function readLines(path: string): Promise<Line[]> {
  const content = await readFile(path, 'utf8');
  if (content !== '' && !content.endsWith('\n')) throw new Error(`the last line of ${path} is cut off`);
  return content
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}
