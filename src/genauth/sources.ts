import { isObject } from '../json';

/** An identity source of the user pool, from GenAuth's `ExtIdpDto`. */
export interface IdentitySource {
  id: string;
  name: string;
  provider: string;
  logo: string | null;
}

/** The ways to sign in that an application enables, from the `loginConfig` of GenAuth's `ApplicationDto`. */
export interface ApplicationSignIn {
  /** Ids of enabled identity sources, and of enabled connections to them. */
  enabled: readonly string[];
  /** Those of `enabled` that GenAuth lists without saying whether they are ids of sources or of connections. */
  bareIds: readonly string[];
  /** Such as `EMAIL_CODE`. */
  loginMethods: readonly string[];
}

/** Maximum length of the list, which is kept in memory. No known user pool has as many sources. */
const MAX_SOURCES = 10_000;

/**
 * Reads the `data` of `list-ext-idp`. An odd entry is left out, so that it does not affect the others.
 *
 * @returns null if there is no list.
 * @see docs/genauth-api.md#list-ext-idp
 */
export function readSources(data: unknown): IdentitySource[] | null {
  const list = isObject(data) ? toList(data['list']) : null;
  if (list === null || list.length > MAX_SOURCES) return null;
  return list.flatMap((source) => {
    if (!isObject(source)) return [];
    const { id, name, type, logo } = source;
    if (!isText(id)) return [];
    const provider = isText(type) ? type : '';
    return [{ id, name: isText(name) ? name : provider, provider, logo: isText(logo) ? logo : null }];
  });
}

/**
 * Reads the `data` of `get-application`. GenAuth's documentation shows `enabledExtIdpConns` as a list of objects, as a list
 * of ids and as a text that contains such a list.
 *
 * @returns null if there is no login configuration.
 * @see docs/genauth-api.md#get-application
 */
export function readApplicationSignIn(data: unknown): ApplicationSignIn | null {
  const config = isObject(data) ? data['loginConfig'] : undefined;
  if (!isObject(config)) return null;
  const connections = toList(config['enabledExtIdpConns']);
  const methods = toList(config['enabledBasicLoginMethods']);
  if (connections === null || methods === null) return null;
  return {
    enabled: connections.flatMap(enabledIds),
    bareIds: connections.flatMap(bareIds),
    loginMethods: methods.filter(isText),
  };
}

/**
 * Reads the `data` of `get-user-loggedin-apps`: the ids of applications. Odd entries are not left out: the user would look
 * signed out of them.
 *
 * @returns null if it is not a list of applications.
 * @see docs/genauth-api.md#sessions
 */
export function readAppIds(data: unknown): string[] | null {
  if (!Array.isArray(data)) return null;
  const ids = data.map((app: unknown) => (isObject(app) ? app['appId'] : undefined));
  return ids.every(isText) ? [...new Set(ids)] : null;
}

function enabledIds(connection: unknown): string[] {
  if (isText(connection)) return [connection];
  if (!isObject(connection) || connection['enabled'] === false) return [];
  return [connection['extIdpId'], connection['extIdpConnId']].filter(isText);
}

function bareIds(connection: unknown): string[] {
  if (isObject(connection) && isText(connection['extIdpId'])) return [];
  return enabledIds(connection);
}

/** GenAuth's samples have a single object, or a text that contains a JSON list, where the type says list. */
function toList(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value as unknown[];
  if (isObject(value)) return [value];
  if (!isText(value)) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
