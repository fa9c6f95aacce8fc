import { z } from 'zod';
import { isRouterSecret, isScope } from './callers';
import { isSecureUrl } from './secureUrl';

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

const list = (isItem: (entry: string) => boolean, expected: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every(isItem), expected)
    .default([]);

const scope = (name: string) => z.string().refine(isScope, 'must be one scope').default(name);

const URL_EXPECTED = 'must be an https: URL; http: is accepted for loopback alone';

const required = z.string({ error: 'is required' });

const GENAUTH_NAME = /^[\w-]{1,128}$/;

/** The variables of the client for GenAuth's management API. */
export const ManagementEnvironment = z.object({
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
    .regex(GENAUTH_NAME, 'must be 1 to 128 letters, digits, "_" or "-"')
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

/** The variables that say which caller may do what. */
export const PolicyEnvironment = z.object({
  SCOPE_READ: scope('identity:read'),
  SCOPE_UNLINK: scope('identity:unlink'),
  SCOPE_LINK: scope('identity:link'),
  SCOPE_SESSIONS: scope('identity:sessions'),
  SELF_UNLINK: oneOf(['allow', 'deny']).default('allow'),
  SELF_UNLINK_MAX_AGE_MS: integer(0, 604_800_000).default(0),
});

/** Every variable of `dist/main.js`, with its default and its constraint. `.env.example` and the documentation repeat them. */
export const Environment = z.object({
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
    isRouterSecret,
    'must be one or more secrets, separated by commas, each of 32 or more visible characters',
  ),
  JWT_ISSUER: z.string().refine(isSecureUrl, URL_EXPECTED).nullable().default(null),
  JWT_AUDIENCE: list((entry) => /^[!-~]+$/.test(entry), 'must be one or more audiences, separated by commas'),
  JWT_JWKS_URI: z.string().refine(isSecureUrl, URL_EXPECTED).nullable().default(null),
  GENAUTH_APP_IDS: list(
    (entry) => GENAUTH_NAME.test(entry),
    'must be one or more application ids, separated by commas, each of 1 to 128 letters, digits, "_" or "-"',
  ).transform((ids) => [...new Set(ids)]),
  LAST_IDENTITY_GUARD: oneOf(['off', 'self', 'all']).default('self'),
  AUDIT_LOG: z.string().default('stdout'),
  KEEP_ALIVE_MS: integer(1_000, 3_600_000).default(75_000),
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

function isOrigin(text: string): boolean {
  if (!isSecureUrl(text)) return false;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === '';
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
