import * as spoils from './spoils';
import {
  answer,
  fault,
  IDENTITIES,
  notExecuted,
  reads,
  REFUSED,
  SUCCESS,
  TIMED_OUT,
  UNAVAILABLE,
  unclear,
  unlinks,
  UNUSABLE,
} from './outcomes';
import { isTokenRequest, outdateToken, type Fault, type Making, OTHER_USER } from './scene';
import type { Spoil } from './wire';

/** An answer that does not come in time. */
const slow = (name: string, spoil: Spoil): Fault =>
  fault(
    name,
    { spoil, env: { GENAUTH_READ_TIMEOUT_MS: '400', GENAUTH_WRITE_TIMEOUT_MS: '400', REQUEST_DEADLINE_MS: '3900' } },
    TIMED_OUT,
    'settled',
  );
/** GenAuth's clock is not ours, and it says so with one of three codes. */
const wrongClock = (name: string, apiCode: string): Fault =>
  fault(
    name,
    { switches: { clockOffsetMs: 3_600_000 }, spoil: spoils.text((body) => body.replace('1305', apiCode)) },
    reads(2, 'identities'),
    unlinks('success: true', undefined, 2),
  );
/** Management tokens instead of signatures. */
const token = (name: string, making: Making, read: Fault['read'], unlink: Fault['unlink']): Fault =>
  fault(name, { ...making, env: { GENAUTH_AUTH: 'token', ...making.env } }, read, unlink);

/** What GenAuth, or something on the way, can do to an answer. */
export const ANSWERS: readonly Fault[] = [
  unclear('The connection is reset before the answer', spoils.reset, UNAVAILABLE),
  unclear('The connection is ended before the answer', spoils.end, UNAVAILABLE),
  fault(
    'A connection that was kept alive is ended just when it is used again',
    {
      before: ({ read }) => read([OTHER_USER]),
      spoil: spoils.end,
      meets: ({ reused, method, path }) => reused && isInQuestion(method, path),
    },
    reads(2, 'identities'),
    'settled',
  ),
  unclear('The connection is reset in the middle of the body', spoils.resetInBody, UNAVAILABLE),
  unclear('The connection is ended in the middle of the body', spoils.endInBody, UNAVAILABLE),
  unclear('The connection is ended in the middle of a chunk', spoils.endInChunk, UNAVAILABLE),
  unclear('A body without a length is cut', spoils.cutUnmeasured, reads(2, 'UPSTREAM_BAD_RESPONSE')),
  slow('No answer comes', spoils.hang),
  slow('The answer stops in the middle of the body', spoils.hangInBody),
  slow('The answer drips, byte by byte', spoils.drip),
  unclear('Bytes that are not HTTP', spoils.garbage, UNUSABLE),
  unclear('An answer with two lengths', spoils.twoLengths, UNUSABLE),
  unclear('A header of 70 000 bytes', spoils.hugeHeader, UNUSABLE),

  ...[500, 502, 503, 504].map((status) => unclear(`HTTP ${status} with a page`, spoils.http(status), UNAVAILABLE)),
  unclear('HTTP 403 with a page', spoils.http(403), UNAVAILABLE),
  unclear('HTTP 503 with an envelope of 400', spoils.http(503, '{"statusCode":400}'), UNAVAILABLE),
  unclear('HTTP 500 with an envelope that says 200', spoils.http(500, '{"statusCode":200}'), UNAVAILABLE),
  ...[500, 502, 503, 504].map((code) => unclear(`An envelope of ${code}`, spoils.envelope(code), UNAVAILABLE)),
  ...[601, 602, 603, 299].map((code) =>
    unclear(`An envelope of ${code}`, spoils.envelope(code), reads(1, 'UPSTREAM_REJECTED')),
  ),
  ...[400, 402, 403, 404, 409, 413, 422, 499, 501].map((code) =>
    answer(
      `An envelope of ${code}`,
      spoils.envelope(code),
      reads(2, code === 404 ? 'null' : 'UPSTREAM_REJECTED'),
      REFUSED,
    ),
  ),
  answer('An envelope of 422 with a business code', spoils.envelope(422, 2216), reads(2, 'UPSTREAM_REJECTED'), REFUSED),
  answer('HTTP 404 with an envelope of 404', spoils.http(404, '{"statusCode":404}'), reads(2, 'null'), REFUSED),
  answer('`success` is false', spoils.http(200, '{"statusCode":200,"data":{"success":false}}'), UNUSABLE, REFUSED),
  answer('HTTP 429', spoils.http(429), reads(2, 'UPSTREAM_RATE_LIMITED'), notExecuted('UPSTREAM_RATE_LIMITED', 1)),
  answer(
    'An envelope of 429',
    spoils.envelope(429),
    reads(2, 'UPSTREAM_RATE_LIMITED'),
    notExecuted('UPSTREAM_RATE_LIMITED', 1),
  ),
  answer(
    'HTTP 429 with a Retry-After of more than a second',
    spoils.http(429, '', { 'retry-after': '5' }),
    reads(1, 'UPSTREAM_RATE_LIMITED'),
    notExecuted('UPSTREAM_RATE_LIMITED', 1),
  ),

  answer('HTTP 401', spoils.http(401), reads(1, 'UPSTREAM_AUTH_FAILED'), notExecuted('UPSTREAM_AUTH_FAILED', 1)),
  ...[1300, 1301, 1302, 1303, 1304, 1305, 2020].map((apiCode) =>
    answer(
      `An envelope of 401 with apiCode ${apiCode}, and nothing wrong with the clock`,
      spoils.envelope(401, apiCode),
      reads(1, 'UPSTREAM_AUTH_FAILED'),
      notExecuted('UPSTREAM_AUTH_FAILED', 1),
    ),
  ),
  answer(
    'An envelope of 400 with apiCode 1300',
    spoils.envelope(400, 1300),
    reads(1, 'UPSTREAM_AUTH_FAILED'),
    notExecuted('UPSTREAM_AUTH_FAILED', 1),
  ),
  wrongClock('The clocks differ by an hour: apiCode 1305', '1305'),
  wrongClock('The clocks differ by an hour: apiCode 1303', '1303'),
  wrongClock('The clocks differ by an hour: apiCode 1304', '1304'),
  unclear(
    'A signature that was used before: apiCode 1306',
    spoils.envelope(401, 1306),
    reads(2, 'UPSTREAM_BAD_RESPONSE'),
  ),
  unclear(
    'HTTP 401 with apiCode 1306',
    spoils.http(401, '{"statusCode":401,"apiCode":1306}'),
    reads(2, 'UPSTREAM_BAD_RESPONSE'),
  ),
  token(
    'The management token is no longer accepted: apiCode 2020',
    { before: outdateToken, switches: { validTokens: 'newest' } },
    reads(2, 'identities'),
    unlinks('success: true', undefined, 2),
  ),
  token(
    'No management token is accepted: HTTP 401',
    { spoil: spoils.http(401) },
    reads(2, 'UPSTREAM_AUTH_FAILED'),
    notExecuted('UPSTREAM_AUTH_FAILED', 2),
  ),
  token(
    'No management token is to be had for our key',
    { spoil: spoils.envelope(401, 2020), meets: isTokenRequest },
    reads(0, 'UPSTREAM_AUTH_FAILED'),
    notExecuted('UPSTREAM_AUTH_FAILED'),
  ),
  token(
    'No management token is to be had: an envelope of 403',
    { spoil: spoils.envelope(403, 2333), meets: isTokenRequest },
    reads(0, 'UPSTREAM_AUTH_FAILED'),
    notExecuted('UPSTREAM_AUTH_FAILED'),
  ),
  token(
    'No management token is to be had: HTTP 429',
    { spoil: spoils.http(429, '', { 'retry-after': '5' }), meets: isTokenRequest },
    reads(0, 'UPSTREAM_RATE_LIMITED'),
    notExecuted('UPSTREAM_RATE_LIMITED'),
  ),
  token(
    'No management token is to be had: HTTP 503',
    { spoil: spoils.http(503), meets: isTokenRequest },
    reads(0, 'UPSTREAM_UNAVAILABLE'),
    notExecuted('UPSTREAM_UNAVAILABLE'),
  ),
  token(
    'No management token is to be had in time',
    { spoil: spoils.hang, meets: isTokenRequest, env: { GENAUTH_WRITE_TIMEOUT_MS: '400' } },
    reads(0, 'UPSTREAM_TIMEOUT'),
    notExecuted('UPSTREAM_TIMEOUT'),
  ),

  unclear('HTTP 200 with a page', spoils.http(200), reads(2, 'UPSTREAM_BAD_RESPONSE')),
  unclear('HTTP 200 without a body', spoils.http(200, ''), UNUSABLE),
  unclear('HTTP 204', spoils.noContent, UNUSABLE),
  ...[302, 307].map((status) => unclear(`HTTP ${status} to another path`, spoils.redirect(status), UNUSABLE)),
  unclear('A compressed answer, which nobody asked for', spoils.gzip, UNUSABLE),
  unclear('An answer of more than 4 MiB', spoils.oversized, UNUSABLE),
  unclear('JSON that is not an envelope', spoils.http(200, '[]'), UNUSABLE),
  unclear(
    'An envelope whose `statusCode` is a text',
    spoils.json((body) => ({ ...body, statusCode: '200' })),
    UNUSABLE,
  ),
  unclear(
    'An envelope without `data`',
    spoils.json(({ data: _data, ...rest }) => rest),
    UNUSABLE,
  ),
  unclear(
    'An envelope whose `data` is null',
    spoils.json((body) => ({ ...body, data: null })),
    UNUSABLE,
  ),
  unclear('`data` is a list where an object belongs, or the other way round', spoils.json(misshape), UNUSABLE),
  unclear(
    '`success` is the text "true"',
    spoils.json((body) => ({ ...body, data: { success: 'true' } })),
    null,
  ),
  unclear(
    '`success` is 1',
    spoils.json((body) => ({ ...body, data: { success: 1 } })),
    null,
  ),
  answer(
    'A byte order mark before the JSON',
    spoils.text((body) => `\ufeff${body}`),
    IDENTITIES,
    SUCCESS,
  ),
  answer(
    'A key of the JSON twice: the last counts',
    spoils.text((body) => body.replace('{', '{"statusCode":500,')),
    IDENTITIES,
    SUCCESS,
  ),
  answer(
    '`__proto__` in the JSON',
    spoils.text((body) => body.replace('{', '{"__proto__":{"statusCode":500},')),
    IDENTITIES,
    SUCCESS,
  ),
  answer(
    'An apiCode beyond 32 bits',
    spoils.json((body) => ({ ...body, apiCode: 1e12 })),
    IDENTITIES,
    SUCCESS,
  ),
];

function isInQuestion(method: string, path: string): boolean {
  return method === 'POST' ? path.endsWith('/unlink-identity') : path.endsWith('/get-user-batch');
}

function misshape({ data, ...rest }: { data: unknown }): object {
  return { ...rest, data: Array.isArray(data) ? (data as unknown[])[0] : [data] };
}
