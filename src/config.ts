import type { z } from 'zod';
import type { AuthMode, PolicyOptions } from './callers';
import { Environment, LOOPBACK, ManagementEnvironment, PolicyEnvironment } from './environment';
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
