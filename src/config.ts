import type { z } from 'zod';
import type { AuthenticatorOptions, PolicyOptions } from './callers';
import { Environment, ManagementEnvironment, PolicyEnvironment } from './environment';
import type { ManagementClientOptions } from './genauth';
import type { LastIdentityGuard } from './identities';
import { isLoopback } from './secureUrl';

/** The configuration of the process. Durations are in milliseconds. */
export interface Config {
  host: string;
  port: number;
  admin: { host: string; port: number };
  /** How long the process continues to serve after the signal to stop. */
  drainDelayMs: number;
  /** How long it then waits for the requests in progress. */
  drainTimeoutMs: number;
  management: ManagementClientOptions;
  /** The server through which replicas share the rate of calls, with credentials. Null: the rate is not shared. */
  valkeyUrl: string | null;
  requestDeadlineMs: number;
  callers: Omit<AuthenticatorOptions, 'onKeysFailure'>;
  policy: PolicyOptions;
  /** Applications whose sign-in methods count for the guard of the last identity. Empty: those of all applications count. */
  appIds: readonly string[];
  lastIdentityGuard: LastIdentityGuard;
  /** `stdout`, or the path of a file. */
  auditLog: string;
  /** How long the GraphQL listener keeps an idle connection. */
  keepAliveMs: number;
  /** The maximum number of concurrent GraphQL requests. */
  maxInFlight: number;
  /** The maximum number of mutation fields in one operation. */
  maxMutationFields: number;
  introspection: boolean;
  executor: 'fast' | 'graphql-js';
  logLevel: string;
}

/** The environment variables are not valid. Each problem names a variable and its constraint, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Variables that can also be read from a file: `X_FILE` holds the path of the file with the value of `X`. */
const SECRETS = ['GENAUTH_ACCESS_KEY_ID', 'GENAUTH_ACCESS_KEY_SECRET', 'ROUTER_SECRETS', 'VALKEY_URL'] as const;

/** The names of all variables. Tests compare the documentation with them. */
export const VARIABLES: readonly string[] = Object.keys(Environment.shape);

/**
 * Reads the configuration from environment variables. An empty variable counts as not set.
 *
 * @param readFile Reads the file that an `X_FILE` variable names.
 * @throws {ConfigError} It lists all problems.
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
 * Reads only the options of a `ManagementClient`, for commands that need nothing else.
 *
 * @throws {ConfigError} It lists all problems.
 */
export function readManagementConfig(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ManagementClientOptions {
  const { problems, variables } = readVariables(ManagementEnvironment, environment, readFile);
  return toManagement(orThrow(variables, problems));
}

/**
 * Reads only the options of the policy, for the command that prints the schema with its authorization directives.
 *
 * @throws {ConfigError} It lists all problems.
 */
export function readPolicyConfig(environment: Readonly<Record<string, string | undefined>>): PolicyOptions {
  const { problems, variables } = readVariables(PolicyEnvironment, environment, () => '');
  return toPolicy(orThrow(variables, problems));
}

/** Returns the parsed variables, or null and the problems. */
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
      // Editors end a file with a newline, which is not part of the secret.
      set.set(name, readFile(path).replace(/\r?\n$/, ''));
    } catch (error) {
      problems.push(`${name}_FILE cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
      set.delete(name);
    }
  }
  const parsed = schema.safeParse(Object.fromEntries(set));
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = String(path[0]);
    // The list already has a problem for the file.
    if (message === 'is required' && set.has(`${name}_FILE`)) continue;
    problems.push(`${name} ${message}`);
  }
  return { set, problems, variables: parsed.data ?? null };
}

function orThrow<Variables>(variables: Variables | null, problems: readonly string[]): Variables {
  if (variables === null || problems.length > 0) throw new ConfigError(problems);
  return variables;
}

/** Returns the variables that the mode requires and that are missing, even if other variables are not valid. */
function problemsOfAuthentication(set: ReadonlyMap<string, string | undefined>): string[] {
  const mode = set.get('AUTH_MODE') ?? 'strict';
  const needed = (NEEDED_BY_MODE[mode] ?? []).filter((name) => !set.has(name) && !set.has(`${name}_FILE`));
  const problems = needed.map((name) => `${name} is required where AUTH_MODE is ${mode}`);
  if (mode === 'none' && !isLoopback(set.get('HOST') ?? '127.0.0.1')) {
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
    appIds: Object.freeze(variables.GENAUTH_APP_IDS),
    lastIdentityGuard: variables.LAST_IDENTITY_GUARD,
    auditLog: variables.AUDIT_LOG,
    keepAliveMs: variables.KEEP_ALIVE_MS,
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
    scopeLink: variables.SCOPE_LINK,
    scopeSessions: variables.SCOPE_SESSIONS,
    selfUnlink: variables.SELF_UNLINK,
    selfUnlinkMaxAgeMs: variables.SELF_UNLINK_MAX_AGE_MS,
  });
}
