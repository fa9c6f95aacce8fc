import { join } from 'node:path';
import { AUDIENCE, type Issuer } from '../test/support/issuer';
import { readStartArgs } from '../test/support/start';
import { ROOT } from './processes';

/** A server that the benchmark measures. */
export interface Contender {
  name: string;
  title: string;
  /** Whether it is another GraphQL server, neither the product nor the reference. */
  peer: boolean;
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
/** The contenders with the product's authentication, audit trail and log. */
export const GUARDED_REFERENCE = 'H-guarded';
export const GUARDED_PEER = 'mercurius-guarded';

const START_ARGS = readStartArgs(ROOT);

const ROUTER_SECRET = 'the-secret-of-the-router-of-the-benchmark';

/** Removes the product's rate limit, which protects the real GenAuth: the stub needs no protection. */
export const UNLIMITED = { GENAUTH_MAX_QPS: '1000000' };

export const CONTENDERS: readonly Contender[] = [
  peer(REFERENCE, 'H: by hand, no GraphQL', 'h', {}, false),
  {
    name: PRODUCT,
    title: 'this subgraph, as shipped',
    peer: false,
    args: START_ARGS,
    env: strict,
  },
  {
    name: 'this-none',
    title: 'this subgraph, no authentication, audit not synced',
    peer: false,
    args: START_ARGS,
    env: (_issuer, files) => ({ ...product(files), AUTH_MODE: 'none', AUDIT_LOG: 'stdout' }),
  },
  peer(PLAIN_APOLLO, 'Apollo Server + fastify', 'apollo'),
  peer('yoga', 'graphql-yoga + @apollo/subgraph', 'yoga'),
  peer('mercurius', 'mercurius + its federation', 'mercurius'),
  peer('mercurius-jit', 'mercurius with its JIT', 'mercurius', { JIT: '1' }),
  guarded(GUARDED_PEER, 'mercurius with the same checks and audit', 'mercuriusGuarded'),
  guarded(GUARDED_REFERENCE, 'H with the same checks and audit', 'hGuarded'),
];

function peer(name: string, title: string, file: string, env = {}, isPeer = true): Contender {
  return { name, title, peer: isPeer, args: [join(__dirname, 'contenders', `${file}.js`)], env: () => env };
}

function guarded(name: string, title: string, file: string): Contender {
  return { ...peer(name, title, file, {}, false), env: strict };
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

const CALLERS = 100;

/** Creates the headers that a router sends, for 100 callers with both scopes. All contenders get them. */
export function callersOf(issuer: Issuer): Record<string, string>[] {
  return Array.from({ length: CALLERS }, (_, caller) => ({
    'content-type': 'application/json',
    'router-authorization': ROUTER_SECRET,
    authorization: `Bearer ${issuer.token({ sub: `caller${caller}`, scope: 'identity:read identity:unlink' })}`,
  }));
}
