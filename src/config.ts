import { z } from 'zod';
import type { AuthMode, PolicyOptions } from './callers';
import type { ManagementClientOptions } from './genauth';
import type { LastIdentityGuard } from './identities';

/** What the process runs by. Durations in milliseconds. */
export interface Config {
  host: string;
  port: number;
  admin: { host: string; port: number };
  /** How long the process takes to leave: first it goes on serving, then it waits for requests under way. */
  drainDelayMs: number;
  drainTimeoutMs: number;
  management: ManagementClientOptions;
  /** Where replicas share the rate of calls, credentials included; null: nowhere. */
  valkeyUrl: string | null;
  requestDeadlineMs: number;
  callers: {
    mode: AuthMode;
    routerSecrets: readonly string[];
    tokens: { issuer: string; audience: readonly string[]; jwksUri: string | null } | null;
  };
  policy: PolicyOptions;
  lastIdentityGuard: LastIdentityGuard;
  /** `stdout`, or the path of a file. */
  auditLog: string;
  /** GraphQL requests served at once. */
  maxInFlight: number;
  /** Mutation fields that one operation may hold. */
  maxMutationFields: number;
  introspection: boolean;
  executor: 'fast' | 'graphql-js';
  logLevel: string;
}

/** The environment cannot be used. Says for every bad variable what it must be, and never what it was. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Each of these may be given as a file, by its name and `_FILE`. */
const SECRETS = ['GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET', 'ROUTER_SECRETS', 'VALKEY_URL'] as const;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

const integer = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `must be a whole number from ${min} to ${max}`,
    )
    .transform(Number);

const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });

const list = (item: RegExp, expected: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every((entry) => item.test(entry)), expected)
    .default([]);

const scope = (name: string) =>
  z
    .string()
    .regex(/^[!#-[\]-~]+$/, 'must be one scope')
    .default(name);

const URL_EXPECTED = 'must be an https: URL; http: is accepted for loopback alone';

const required = z.string({ error: 'is required' });

const ManagementEnvironment = z.object({
  GENAUTH_HOST: z
    .string()
    .refine(isOrigin, 'must be an https: origin without a path; http: is accepted for loopback alone')
    .transform((text) => new URL(text).origin)
    .default('https://api.genauth.ai'),
  GENAUTH_ACCESS_KEY_ID: required.regex(/^[!-9;-~]{1,128}$/, 'must be 1 to 128 visible characters without ":"'),
  GENAUTH_ACCESS_KEY_SECRET: required.regex(/^[!-~]{1,512}$/, 'must be 1 to 512 visible characters'),
  GENAUTH_AUTH: oneOf(['signature', 'token']).default('signature'),
  GENAUTH_BRAND: oneOf(['genauth', 'authing']).default('genauth'),
  GENAUTH_USERPOOL_ID: z
    .string()
    .regex(/^[\w-]{1,128}$/, 'must be 1 to 128 letters, digits, "_" or "-"')
    .nullable()
    .default(null),
  GENAUTH_LANG: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en-US')
    .default('en-US'),
  GENAUTH_ID_PATTERN: z.string().refine(isPattern, 'must be a regular expression').default('^[0-9a-f]{24}$'),
  GENAUTH_CONNECT_TIMEOUT_MS: integer(1, 60_000).default(1_000),
  GENAUTH_READ_TIMEOUT_MS: integer(1, 60_000).default(4_000),
  GENAUTH_WRITE_TIMEOUT_MS: integer(1, 60_000).default(6_000),
  GENAUTH_MAX_CONCURRENCY: integer(1, 10_000).default(64),
  GENAUTH_MAX_QPS: integer(1, 1_000_000).default(200),
});

const PolicyEnvironment = z.object({
  SCOPE_READ: scope('identity:read'),
  SCOPE_UNLINK: scope('identity:unlink'),
  SELF_UNLINK: oneOf(['allow', 'deny']).default('allow'),
});

const Environment = z.object({
  ...ManagementEnvironment.shape,
  ...PolicyEnvironment.shape,
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(4001),
  ADMIN_HOST: z.string().default('127.0.0.1'),
  ADMIN_PORT: integer(0, 65_535).default(4002),
  DRAIN_DELAY_MS: integer(0, 600_000).default(5_000),
  DRAIN_TIMEOUT_MS: integer(0, 600_000).default(25_000),
  AUTH_MODE: oneOf(['strict', 'router', 'jwt', 'none']).default('strict'),
  ROUTER_SECRETS: list(
    /^[!-+\--~]{32,}$/,
    'must be one or more secrets, separated by commas, each of 32 or more visible characters',
  ),
  JWT_ISSUER: z.string().refine(isUrl, URL_EXPECTED).nullable().default(null),
  JWT_AUDIENCE: list(/^[!-~]+$/, 'must be one or more audiences, separated by commas'),
  JWT_JWKS_URI: z.string().refine(isUrl, URL_EXPECTED).nullable().default(null),
  LAST_IDENTITY_GUARD: oneOf(['off', 'self', 'all']).default('self'),
  AUDIT_LOG: z.string().default('stdout'),
  MAX_IN_FLIGHT: integer(1, 100_000).default(256),
  MAX_MUTATION_FIELDS: integer(1, 100).default(1),
  VALKEY_URL: z
    .string()
    .refine(
      isValkeyUrl,
      'must be a redis:, rediss:, valkey: or valkeys: URL with a host, and a database number at most',
    )
    .nullable()
    .default(null),
  REQUEST_DEADLINE_MS: integer(1, 300_000).default(9_000),
  INTROSPECTION: oneOf(['on', 'off']).default('off'),
  EXECUTOR: oneOf(['fast', 'graphql-js']).default('fast'),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** The names of all variables, for documentation that must not fall behind. */
export const VARIABLES: readonly string[] = Object.keys(Environment.shape);

/**
 * Reads the configuration from environment variables. A variable that is set to nothing counts as not set.
 *
 * @param readFile Reads the file that an `X_FILE` variable names.
 * @throws {ConfigError} with all that is wrong at once.
 * @see contract.md, section 3
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Config {
  const { set, problems, variables } = readVariables(Environment, environment, readFile);
  problems.push(...problemsOfAuthentication(set));
  return toConfig(orThrow(variables, problems));
}

/**
 * Reads what a `ManagementClient` needs, and nothing else: for commands that only speak to GenAuth.
 *
 * @throws {ConfigError} with all that is wrong at once.
 */
export function readManagementConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ManagementClientOptions {
  const { problems, variables } = readVariables(ManagementEnvironment, environment, readFile);
  return toManagement(orThrow(variables, problems));
}

/**
 * Reads who may do what, and nothing else: for the schema that says so to routers.
 *
 * @throws {ConfigError} with all that is wrong at once.
 */
export function readPolicyConfig(environment: Readonly<Record<string, string | undefined>>): PolicyOptions {
  const { problems, variables } = readVariables(PolicyEnvironment, environment, () => '');
  return toPolicy(orThrow(variables, problems));
}

/** @returns `variables` null where one of them is bad; `problems` says which. */
function readVariables<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): { set: ReadonlyMap<string, string | undefined>; problems: string[]; variables: z.infer<z.ZodObject<Shape>> | null } {
  const set = new Map(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const problems: string[] = [];
  for (const name of SECRETS) {
    const path = set.get(`${name}_FILE`);
    if (path === undefined || !(name in schema.shape)) continue;
    if (set.has(name)) problems.push(`${name} and ${name}_FILE are both set: set one of them`);
    try {
      // A newline at the end belongs to the file, not to the secret.
      set.set(name, readFile(path).replace(/\r?\n$/, ''));
    } catch (error) {
      problems.push(`${name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
      set.delete(name);
    }
  }
  const parsed = schema.safeParse(Object.fromEntries(set));
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = String(path[0]);
    // Its file has been complained about.
    if (message === 'is required' && set.has(`${name}_FILE`)) continue;
    problems.push(`${name} ${message}`);
  }
  return { set, problems, variables: parsed.data ?? null };
}

function orThrow<Variables>(variables: Variables | null, problems: readonly string[]): Variables {
  if (variables === null || problems.length > 0) throw new ConfigError(problems);
  return variables;
}

/** What a mode needs. Looked at apart from the values, so that a bad value elsewhere hides none of it. */
function problemsOfAuthentication(set: ReadonlyMap<string, string | undefined>): string[] {
  const mode = set.get('AUTH_MODE') ?? 'strict';
  const needed = (NEEDED_BY_MODE[mode] ?? []).filter((name) => !set.has(name) && !set.has(`${name}_FILE`));
  const problems = needed.map((name) => `${name} is required where AUTH_MODE is ${mode}`);
  if (mode === 'none' && !LOOPBACK.test(set.get('HOST') ?? '127.0.0.1')) {
    problems.push('HOST must be a loopback address where AUTH_MODE is none');
  }
  return problems;
}

const NEEDED_BY_MODE: Readonly<Record<string, readonly string[]>> = {
  strict: ['ROUTER_SECRETS', 'JWT_ISSUER', 'JWT_AUDIENCE'],
  router: ['ROUTER_SECRETS'],
  jwt: ['JWT_ISSUER', 'JWT_AUDIENCE'],
};

function toConfig(variables: z.infer<typeof Environment>): Config {
  return Object.freeze({
    host: variables.HOST,
    port: variables.PORT,
    admin: Object.freeze({ host: variables.ADMIN_HOST, port: variables.ADMIN_PORT }),
    drainDelayMs: variables.DRAIN_DELAY_MS,
    drainTimeoutMs: variables.DRAIN_TIMEOUT_MS,
    management: toManagement(variables),
    valkeyUrl: variables.VALKEY_URL,
    requestDeadlineMs: variables.REQUEST_DEADLINE_MS,
    callers: Object.freeze({
      mode: variables.AUTH_MODE,
      routerSecrets: Object.freeze(variables.ROUTER_SECRETS),
      tokens:
        variables.JWT_ISSUER === null
          ? null
          : Object.freeze({
              issuer: variables.JWT_ISSUER,
              audience: Object.freeze(variables.JWT_AUDIENCE),
              jwksUri: variables.JWT_JWKS_URI,
            }),
    }),
    policy: toPolicy(variables),
    lastIdentityGuard: variables.LAST_IDENTITY_GUARD,
    auditLog: variables.AUDIT_LOG,
    maxInFlight: variables.MAX_IN_FLIGHT,
    maxMutationFields: variables.MAX_MUTATION_FIELDS,
    introspection: variables.INTROSPECTION === 'on',
    executor: variables.EXECUTOR,
    logLevel: variables.LOG_LEVEL,
  });
}

function toManagement(variables: z.infer<typeof ManagementEnvironment>): ManagementClientOptions {
  return Object.freeze({
    origin: variables.GENAUTH_HOST,
    accessKey: Object.freeze({
      accessKeyId: variables.GENAUTH_ACCESS_KEY_ID,
      accessKeySecret: variables.GENAUTH_ACCESS_KEY_SECRET,
    }),
    authentication: variables.GENAUTH_AUTH,
    brand: variables.GENAUTH_BRAND,
    lang: variables.GENAUTH_LANG,
    userPoolId: variables.GENAUTH_USERPOOL_ID,
    idPattern: variables.GENAUTH_ID_PATTERN,
    connectTimeoutMs: variables.GENAUTH_CONNECT_TIMEOUT_MS,
    readTimeoutMs: variables.GENAUTH_READ_TIMEOUT_MS,
    writeTimeoutMs: variables.GENAUTH_WRITE_TIMEOUT_MS,
    maxConcurrency: variables.GENAUTH_MAX_CONCURRENCY,
    maxQps: variables.GENAUTH_MAX_QPS,
  });
}

function toPolicy(variables: z.infer<typeof PolicyEnvironment>): PolicyOptions {
  return Object.freeze({
    scopeRead: variables.SCOPE_READ,
    scopeUnlink: variables.SCOPE_UNLINK,
    selfUnlink: variables.SELF_UNLINK,
  });
}

function isOrigin(text: string): boolean {
  if (!isUrl(text)) return false;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === '';
}

function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

function isValkeyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  return (
    /^(redis|valkey)s?:$/.test(protocol) &&
    hostname !== '' &&
    /^(\/\d*)?$/.test(pathname) &&
    search === '' &&
    hash === ''
  );
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(`^(?:${text})$`) instanceof RegExp;
  } catch {
    return false;
  }
}
