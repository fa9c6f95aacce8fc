import type { Route } from './api';
import type { WireRequest } from './transport';

export type Method = 'GET' | 'POST';

// Identity encoding, because a cap on the bytes that arrive is no cap on what they inflate to.
const ACCEPT = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'genauth-identity-subgraph' };
const JSON_BODY = { 'content-type': 'application/json' };

export function split(route: Route): [Method, string] {
  const [method, path] = route.split(' ') as [Method, string];
  return [method, path];
}

/** Writes a request as it goes out. */
export function toWireRequest(
  route: Route,
  data: Readonly<Record<string, unknown>>,
  credentials: Readonly<Record<string, string>>,
): WireRequest {
  const [method, path] = split(route);
  return method === 'GET'
    ? { method, path: `${path}?${encodeQuery(data)}`, headers: { ...credentials, ...ACCEPT }, body: null }
    : { method, path, headers: { ...credentials, ...ACCEPT, ...JSON_BODY }, body: JSON.stringify(data) };
}

/** Lists as the vendor's SDK sends them, `userIds[]=a&userIds[]=b`: the form for which signatures are known to match. */
function encodeQuery(data: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(data)) {
    if (Array.isArray(value)) for (const item of value) query.append(`${name}[]`, String(item));
    else query.append(name, String(value));
  }
  return query.toString();
}
