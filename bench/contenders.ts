import { join } from 'node:path';
import { AUDIENCE, type Issuer } from '../test/support/issuer';
import { readStartArgs } from '../test/support/start';
import { ROOT } from './root';
import { userIdOf } from './users';
import { IDENTITIES, USERS, type Workload } from './workloads';

/** A server that the benchmark measures. */
export interface Contender {
  name: string;
  title: string;
  /** Whether it is another GraphQL server, neither the product nor the reference. */
  peer: boolean;
  /** Whether it claims what GenAuth responds to an unlink, without reading, and has no callers. */
  isPlain: boolean;
  /** The command line of Node. */
  args: readonly string[];
  /**
   * Returns its environment variables.
   *
   * @param files The prefix of the paths that it may write to.
   */
  env: (issuer: Issuer, files: string) => Record<string, string>;
}

export const REFERENCE = 'H';
export const PRODUCT = 'this';
export const PLAIN_APOLLO = 'apollo';
/** The peer that needs the least CPU time for reads. */
export const FASTEST_PEER = 'mercurius-jit';
/** The contenders with the product's authentication, audit trail and log, and with reads around each unlink. */
export const GUARDED_REFERENCE = 'H-guarded';
export const GUARDED_PEER = 'mercurius-guarded';

const START_ARGS = readStartArgs(ROOT);

export const ROUTER_SECRET = 'the-secret-of-the-router-of-the-benchmark';

/** Removes the product's rate limit, which protects the real GenAuth: the stub needs no protection. */
export const UNLIMITED = { GENAUTH_MAX_QPS: '1000000' };

export const CONTENDERS: readonly Contender[] = [
  peer(REFERENCE, 'H: by hand, no GraphQL (plain)', 'h', {}, false),
  {
    name: PRODUCT,
    title: 'this subgraph, as shipped',
    peer: false,
    isPlain: false,
    args: START_ARGS,
    env: strict,
  },
  {
    name: 'this-none',
    title: 'this subgraph, no authentication, audit not synced',
    peer: false,
    isPlain: false,
    args: START_ARGS,
    env: (_issuer, files) => ({ ...product(files), AUTH_MODE: 'none', AUDIT_LOG: 'stdout' }),
  },
  peer(PLAIN_APOLLO, 'Apollo Server + fastify (plain)', 'apollo'),
  peer('yoga', 'graphql-yoga + @apollo/subgraph (plain)', 'yoga'),
  peer('mercurius', 'mercurius + its federation (plain)', 'mercurius'),
  peer(FASTEST_PEER, 'mercurius with its JIT (plain)', 'mercurius', { JIT: '1' }),
  guarded(GUARDED_PEER, 'mercurius with the same checks, reads and audit', 'mercuriusGuarded'),
  guarded(GUARDED_REFERENCE, 'H with the same checks, reads and audit', 'hGuarded'),
];

/** The contenders of a quick run: of the peers, the best one and the usual one. */
export const QUICK_CONTENDERS: ReadonlySet<string> = new Set([
  REFERENCE,
  PRODUCT,
  PLAIN_APOLLO,
  FASTEST_PEER,
  GUARDED_PEER,
  GUARDED_REFERENCE,
]);

function peer(name: string, title: string, file: string, env = {}, isPeer = true): Contender {
  const args = [join(__dirname, 'contenders', `${file}.js`)];
  return { name, title, peer: isPeer, isPlain: true, args, env: () => env };
}

function guarded(name: string, title: string, file: string): Contender {
  return { ...peer(name, title, file, {}, false), isPlain: false, env: strict };
}

function strict(issuer: Issuer, files: string): Record<string, string> {
  return {
    ...product(files),
    AUTH_MODE: 'strict',
    ROUTER_SECRETS: ROUTER_SECRET,
    JWT_ISSUER: issuer.url,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URI: issuer.jwksUri,
  };
}

function product(files: string): Record<string, string> {
  return { PORT: '0', ADMIN_PORT: '0', AUDIT_LOG: `${files}.audit`, LOG_LEVEL: 'info', MAX_IN_FLIGHT: '1024' };
}

/** Returns the contenders that can serve a workload. */
export function participants(contenders: readonly Contender[], { isPlain }: Pick<Workload, 'isPlain'>): Contender[] {
  return contenders.filter((contender) => isPlain || !contender.isPlain);
}

/** Returns the contender that the others are compared with: H, or H with the same checks where H cannot serve a workload. */
export function referenceOf({ isPlain }: Pick<Workload, 'isPlain'>): string {
  return isPlain ? REFERENCE : GUARDED_REFERENCE;
}

const OPERATORS = 100;

/** Creates the headers that a router sends. All contenders get them. */
export function callersOf(callers: Workload['callers'], issuer: Issuer): Record<string, string>[] {
  const claims =
    callers === 'users'
      ? Array.from({ length: USERS }, (_, user) => ({ sub: userIdOf(user, IDENTITIES), scope: 'openid' }))
      : Array.from({ length: OPERATORS }, (_, caller) => ({
          sub: `caller${caller}`,
          scope: 'identity:read identity:unlink',
        }));
  return claims.map((claim) => ({
    'content-type': 'application/json',
    'router-authorization': ROUTER_SECRET,
    authorization: `Bearer ${issuer.token(claim)}`,
  }));
}
