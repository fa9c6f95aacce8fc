import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { type Emulator, startEmulator, type StartOptions } from '../../src/emulator';
import { createLog, type Log } from '../../src/log';
import { startSubgraph, type Subgraph } from '../../src/subgraph';
import { AUDIENCE, type Issuer } from './issuer';

export interface Answer<Data = Record<string, unknown>> {
  status: number;
  headers: Headers;
  data: Data | null | undefined;
  errors: readonly AnsweredError[];
}

export interface AnsweredError {
  message: string;
  path?: readonly (string | number)[];
  extensions: Readonly<Record<string, unknown>>;
}

export interface Stack {
  emulator: Emulator;
  subgraph: Subgraph;
  /** Sends a GraphQL request over HTTP, as a router does. See `ask`. */
  ask<Data = Record<string, unknown>>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer<Data>>;
  close(): Promise<void>;
}

export interface StackOptions {
  emulator?: StartOptions;
  /** Environment variables of the subgraph, added to those that connect it to the emulator. */
  env?: Record<string, string>;
  /** Default: none, with `AUTH_MODE=none`. With an issuer, `AUTH_MODE` is `strict`, and requests need `credentials`. */
  issuer?: Issuer;
  /** Default: a log that writes nothing. */
  log?: Log;
}

export const ROUTER_SECRET = 'the-secret-of-the-router-of-the-tests';

/** The environment of a subgraph with `AUTH_MODE=strict`. */
export function strictEnv(issuer: Issuer): Record<string, string> {
  return {
    AUTH_MODE: 'strict',
    ROUTER_SECRETS: ROUTER_SECRET,
    JWT_ISSUER: issuer.url,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URI: issuer.jwksUri,
  };
}

/** The headers of a request that the router forwards for the holder of a token. */
export function credentials(token: string): Record<string, string> {
  return { 'router-authorization': ROUTER_SECRET, authorization: `Bearer ${token}` };
}

/** Starts an emulator and a subgraph that uses it, both on free ports of 127.0.0.1. */
export async function startStack({ emulator: options = {}, env = {}, issuer, log }: StackOptions = {}): Promise<Stack> {
  const emulator = await startEmulator(options);
  const folder = await mkdtemp(join(tmpdir(), 'stack-'));
  const config = readConfig(
    {
      PORT: '0',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      LOG_LEVEL: 'silent',
      ADMIN_PORT: '0',
      ...(issuer === undefined ? { AUTH_MODE: 'none' } : strictEnv(issuer)),
      AUDIT_LOG: join(folder, 'audit.log'),
      ...env,
    },
    () => '',
  );
  const subgraph = await startSubgraph(config, {
    log: log ?? createLog(config.logLevel, process.stdout),
    version: '0.0.0',
    ide: [],
  });
  return {
    emulator,
    subgraph,
    ask: (query, variables, headers) => ask(`${subgraph.url}/graphql`, query, variables, headers),
    async close() {
      await subgraph.close();
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Sends a GraphQL request, and parses the response. */
export async function ask<Data = Record<string, unknown>>(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer<Data>> {
  const response = await post(url, { query, variables }, headers);
  const body = (await response.json()) as { data?: Data | null; errors?: AnsweredError[] };
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors ?? [] };
}

/** Posts a JSON body. A string is sent unchanged. */
export function post(url: string, body: object | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** Returns the ids of all users that an emulator stores. */
export function userIdsOf({ store }: Emulator): string[] {
  return store.users().map(({ profile }) => profile.userId);
}

/** What a router sends for `User.identities`. */
export const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id identities { id extIdpId provider type userIdInIdp userInfoInIdp originConnIds } }
  }
}`;

export const UNLINK = `mutation ($userId: ID!, $extIdpId: ID!, $type: String) {
  unlinkIdentity(userId: $userId, extIdpId: $extIdpId, type: $type) {
    success requestId apiCode operationId removed { id extIdpId type } user { id identities { extIdpId type } }
  }
}`;

export function representations(userIds: readonly string[]): { representations: { __typename: 'User'; id: string }[] } {
  return { representations: userIds.map((id) => ({ __typename: 'User', id })) };
}

export interface IdentityAnswer {
  id: string;
  extIdpId: string;
  provider: string;
  type: string;
  userIdInIdp: string;
  userInfoInIdp: Record<string, unknown> | null;
  originConnIds: string[];
}

export interface EntitiesAnswer {
  _entities: ({ id: string; identities: IdentityAnswer[] | null } | null)[];
}

export interface UnlinkAnswer {
  unlinkIdentity: {
    success: boolean;
    requestId: string | null;
    apiCode: number | null;
    operationId: string | null;
    removed: { id: string; extIdpId: string; type: string }[] | null;
    user: { id: string; identities: { extIdpId: string; type: string }[] | null } | null;
  } | null;
}
