import type { Route } from './api';
import type { Headers } from './authentication';
import type { WireRequest } from './transport';

export type Method = 'GET' | 'POST';

// Identity encoding: the limit on received bytes says nothing about the size that they would inflate to.
const ACCEPT = [
  ...['accept', 'application/json'],
  ...['accept-encoding', 'identity'],
  ...['user-agent', 'genauth-identity-subgraph'],
];
const JSON_BODY = ['content-type', 'application/json'];

/** Splits a route into its method and its path. */
export function split(route: Route): [method: Method, path: string] {
  const space = route.indexOf(' ');
  return [route.slice(0, space) as Method, route.slice(space + 1)];
}

/** Whether an operation changes nothing, so that it may be sent again. One such operation is a POST. */
export function isRead(route: Route): boolean {
  return route.startsWith('GET ') || route === 'POST /api/v3/check-session-status';
}

/** Builds the HTTP request of an operation. */
export function toWireRequest(
  route: Route,
  data: Readonly<Record<string, unknown>>,
  credentials: Headers,
): WireRequest {
  const [method, path] = split(route);
  return method === 'GET'
    ? { method, path: withQuery(path, data), headers: credentials.concat(ACCEPT), body: null }
    : { method, path, headers: credentials.concat(ACCEPT, JSON_BODY), body: JSON.stringify(data) };
}

/**
 * Appends the parameters of a GET; without parameters there is no `?`, because the signature has none either.
 *
 * Lists are written as the vendor's SDK does, `userIds[]=a&userIds[]=b`: only for this form are signatures known to match.
 *
 * @see docs/genauth-api.md#request-signing
 */
function withQuery(path: string, data: Readonly<Record<string, unknown>>): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(data)) {
    if (!Array.isArray(value)) pairs.push(`${name}=${encodeURIComponent(String(value))}`);
    else for (const item of value) pairs.push(`${name}%5B%5D=${encodeURIComponent(String(item))}`);
  }
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
