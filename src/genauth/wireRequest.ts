import type { Route } from './api';
import type { Headers } from './authentication';
import type { WireRequest } from './transport';

export type Method = 'GET' | 'POST';

// Identity encoding, because a cap on the bytes that arrive is no cap on what they inflate to.
const ACCEPT = [
  ...['accept', 'application/json'],
  ...['accept-encoding', 'identity'],
  ...['user-agent', 'genauth-identity-subgraph'],
];
const JSON_BODY = ['content-type', 'application/json'];

export function split(route: Route): [method: Method, path: string] {
  const space = route.indexOf(' ');
  return [route.slice(0, space) as Method, route.slice(space + 1)];
}

/** Writes a request as it goes out. */
export function toWireRequest(
  route: Route,
  data: Readonly<Record<string, unknown>>,
  credentials: Headers,
): WireRequest {
  const [method, path] = split(route);
  return method === 'GET'
    ? { method, path: `${path}?${encodeQuery(data)}`, headers: credentials.concat(ACCEPT), body: null }
    : { method, path, headers: credentials.concat(ACCEPT, JSON_BODY), body: JSON.stringify(data) };
}

/** Lists as the vendor's SDK sends them, `userIds[]=a&userIds[]=b`: the form for which signatures are known to match. */
function encodeQuery(data: Readonly<Record<string, unknown>>): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(data)) {
    if (!Array.isArray(value)) pairs.push(`${name}=${encodeURIComponent(String(value))}`);
    else for (const item of value) pairs.push(`${name}%5B%5D=${encodeURIComponent(String(item))}`);
  }
  return pairs.join('&');
}
