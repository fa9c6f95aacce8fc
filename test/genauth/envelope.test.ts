import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { ManagementRefusedError, ManagementUnreachableError } from '../../src/genauth';
import { type ApiResponse, judge, retryAfterMs } from '../../src/genauth/envelope';
import type { WireResponse } from '../../src/genauth/transport';
import type { JsonReader } from '../../src/json';

const ROUTE = 'POST /api/v3/unlink-identity';

function response(status: number, body: unknown, headers: Record<string, string> = {}): WireResponse {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return { status, headers, body: bytes };
}

/** An operation that takes any data as it is. */
const readAny = (json: JsonReader): unknown => json.value();

type Judgement = ApiResponse<unknown> | ManagementRefusedError | ManagementUnreachableError;

/** Any other error is thrown on. */
function judgementOf(answer: WireResponse): Judgement {
  try {
    return judge(ROUTE, answer, readAny);
  } catch (error) {
    if (error instanceof ManagementRefusedError || error instanceof ManagementUnreachableError) return error;
    throw error;
  }
}

describe('success', () => {
  test('is an envelope with statusCode 200, whose data is left to the operation', () => {
    const envelope = {
      statusCode: 200,
      message: '操作成功',
      requestId: '934108e5-9fbf-4d24',
      data: { success: false },
    };
    expect(judge(ROUTE, response(200, envelope), readAny)).toEqual({
      data: { success: false },
      apiCode: null,
      requestId: '934108e5-9fbf-4d24',
    });
  });

  test.each([0, 2004, 2020, 20001])('stays a success with apiCode %d', (apiCode) => {
    expect(judge(ROUTE, response(200, { statusCode: 200, apiCode, data: null }), readAny)).toMatchObject({
      data: null,
      apiCode,
    });
  });

  test.each<[string, WireResponse]>([
    ['a byte order mark', response(200, '\ufeff{"statusCode":200}')],
    ['the identity encoding', response(200, { statusCode: 200 }, { 'content-encoding': 'identity' })],
    ['another content type', response(200, { statusCode: 200 }, { 'content-type': 'text/html' })],
    ['HTTP 201', response(201, { statusCode: 200 })],
    ['spaces around everything', response(200, ' \r\n{\t"statusCode" : 200 } \n')],
    ['escapes in a name', response(200, '{"\\u0073tatusCode":200}')],
    ['a name that is repeated, of which the last counts', response(200, '{"statusCode":500,"statusCode":200}')],
    ['numbers beyond all bounds', response(200, '{"statusCode":2e2,"apiCode":1e999}')],
  ])('may come with %s', (_title, answer) => {
    expect(judge(ROUTE, answer, readAny)).toEqual({ data: undefined, apiCode: null, requestId: null });
  });
});

describe('codes', () => {
  test.each<[unknown, number | null]>([
    [2147483647, 2147483647],
    [-2147483648, -2147483648],
    [2147483648, null],
    [1e21, null],
    [2004.5, null],
    ['2004', null],
    [true, null],
    [null, null],
    [[2004], null],
  ])('apiCode %j is read as %j', (apiCode, read) => {
    expect(judge(ROUTE, response(200, { statusCode: 200, apiCode }), readAny).apiCode).toBe(read);
    expect(judgementOf(response(200, { statusCode: 422, apiCode }))).toMatchObject({
      refusal: 'rejected',
      apiCode: read,
    });
  });

  test.each<[unknown, string | null]>([
    ['934108e5-9fbf-4d24-8da1-c330328abd6c', '934108e5-9fbf-4d24-8da1-c330328abd6c'],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['x'.repeat(129), null],
    ['', null],
    ['two words', null],
    ['forged\nline', null],
    ['请求', null],
    [7, null],
    [{}, null],
  ])('requestId %j is read as %j', (requestId, read) => {
    expect(judge(ROUTE, response(200, { statusCode: 200, requestId }), readAny).requestId).toBe(read);
  });
});

describe('a refusal', () => {
  const refusals: [number, number | undefined, string][] = [
    ...[400, 402, 403, 409, 413, 422, 499, 501].map((code): [number, undefined, string] => [
      code,
      undefined,
      'rejected',
    ]),
    [403, 2333, 'rejected'],
    [422, 2217, 'rejected'],
    [404, undefined, 'rejected'],
    [404, 2004, 'not_found'],
    [400, 2004, 'not_found'],
    [401, undefined, 'credentials'],
    [401, 2020, 'credentials'],
    [400, 2020, 'credentials'],
    [500, 2020, 'credentials'],
    ...[1300, 1301, 1302, 1303, 1304, 1305].flatMap((apiCode): [number, number, string][] => [
      [401, apiCode, 'credentials'],
      [400, apiCode, 'credentials'],
      [500, apiCode, 'credentials'],
    ]),
    [400, 1299, 'rejected'],
    [400, 1307, 'rejected'],
    [429, undefined, 'rate_limited'],
  ];

  test.each(refusals)('is statusCode %p with apiCode %p: %s', (statusCode, apiCode, refusal) => {
    const error = judgementOf(response(200, { statusCode, apiCode, message: 'no', requestId: 'r1' }));
    expect(error).toBeInstanceOf(ManagementRefusedError);
    expect(error).toMatchObject({ route: ROUTE, refusal, statusCode, apiCode: apiCode ?? null, requestId: 'r1' });
  });

  test.each([400, 403, 404, 422])('may come under HTTP %d, with an envelope', (status) => {
    expect(judgementOf(response(status, { statusCode: status, apiCode: 2004 }))).toMatchObject({
      refusal: 'not_found',
    });
  });

  test.each(['', 'Unauthorized', '{"statusCode":200}', '[]'])('is HTTP 401, whatever its body: %j', (body) => {
    expect(judgementOf(response(401, body))).toMatchObject({ refusal: 'credentials', statusCode: 401, apiCode: null });
  });

  test.each(['', '<html>', '{"statusCode":200,"data":{"success":true}}'])(
    'is HTTP 429, whatever its body: %j',
    (body) => {
      const error = judgementOf(response(429, body, { 'retry-after': '3' }));
      expect(error).toMatchObject({ refusal: 'rate_limited', statusCode: 429, retryAfterMs: 3_000 });
    },
  );

  test('with statusCode 429 under HTTP 200 contains the time to wait, too', () => {
    const error = judgementOf(response(200, { statusCode: 429 }, { 'retry-after': '2' }));
    expect(error).toMatchObject({ refusal: 'rate_limited', retryAfterMs: 2_000 });
  });

  test('never contains the message of GenAuth', () => {
    const error = judgementOf(response(200, { statusCode: 400, message: 'no such user: hunter2', data: 'hunter2' }));
    expect(error).toBeInstanceOf(ManagementRefusedError);
    expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain('hunter2');
  });
});

describe('a response that proves nothing', () => {
  test.each<[string, WireResponse, string]>([
    ['an HTML page under 502', response(502, '<html>Bad Gateway</html>'), 'http_error'],
    ['success under 500', response(500, { statusCode: 200, data: { success: true } }), 'internal_error'],
    ['a definite refusal under 503', response(503, { statusCode: 404 }), 'http_error'],
    ['success under 400', response(400, { statusCode: 200, data: { success: true } }), 'http_rejected'],
    ['a bare 404', response(404, ''), 'upstream_unclear'],
    ['an HTML page under 404', response(404, '<html>'), 'upstream_unclear'],
    ['JSON that is no envelope under 404', response(404, { error: 'no route' }), 'upstream_unclear'],
    ['a status below 200', response(103, { statusCode: 200 }), 'http_error'],
    ['a redirect', response(302, { statusCode: 200 }), 'redirect'],
    ['304', response(304, ''), 'redirect'],
    ['an empty body', response(200, ''), 'empty'],
    ['204', response(204, ''), 'empty'],
    ['an HTML page', response(200, '<html>'), 'not_json'],
    ['a cut body', response(200, '{"statusCode":200,"data":{"succ'), 'not_json'],
    ['a byte order mark and nothing else', response(200, '\ufeff'), 'not_json'],
    ['two byte order marks', response(200, '\ufeff\ufeff{"statusCode":200}'), 'not_json'],
    ['JSON with something after it', response(200, '{"statusCode":200}}'), 'not_json'],
    ['a comma too many', response(200, '{"statusCode":200,}'), 'not_json'],
    [
      'JSON that goes wrong after the data',
      response(200, '{"statusCode":200,"data":{"success":true},"x":01}'),
      'not_json',
    ],
    [
      'a name that is repeated, of which the last counts',
      response(200, '{"statusCode":200,"statusCode":"200"}'),
      'shape',
    ],
    ['a million open brackets', response(200, '['.repeat(1_000_000)), 'not_json'],
    ['a list', response(200, [{ statusCode: 200 }]), 'shape'],
    ['null', response(200, 'null'), 'shape'],
    ['a number', response(200, '200'), 'shape'],
    ['no statusCode', response(200, { data: { success: true } }), 'shape'],
    ['statusCode as a text', response(200, { statusCode: '200' }), 'shape'],
    ['statusCode inherited', response(200, '{"__proto__":{"statusCode":200}}'), 'shape'],
    ['compressed bytes', response(200, gzipSync('{"statusCode":200}'), { 'content-encoding': 'gzip' }), 'encoding'],
    [
      'an encoding that was not asked for',
      response(200, { statusCode: 200 }, { 'content-encoding': 'br' }),
      'encoding',
    ],
    ['a signature that was consumed', response(200, { statusCode: 401, apiCode: 1306 }), 'replayed'],
    ['a signature that was consumed, as 400', response(200, { statusCode: 400, apiCode: 1306 }), 'replayed'],
    ['a signature that was consumed, under HTTP 401', response(401, { statusCode: 401, apiCode: 1306 }), 'replayed'],
    ['statusCode 500', response(200, { statusCode: 500 }), 'internal_error'],
    ...[502, 503, 504].map((statusCode): [string, WireResponse, string] => [
      `statusCode ${statusCode}`,
      response(200, { statusCode }),
      'upstream_error',
    ]),
    ...[0, 100, 201, 204, 302, 405, 418, 601, 602, 603, -1, 200.5, 404.5].map(
      (statusCode): [string, WireResponse, string] => [
        `statusCode ${statusCode}`,
        response(200, { statusCode }),
        'upstream_unclear',
      ],
    ),
    ['an unknown user under 500', response(200, { statusCode: 500, apiCode: 2004 }), 'internal_error'],
  ])('is %s', (_title, answer, reason) => {
    const error = judgementOf(answer);
    expect(error).toBeInstanceOf(ManagementUnreachableError);
    expect(error).toMatchObject({ route: ROUTE, reason, sent: 'maybe' });
  });
});

describe('any response', () => {
  const anything = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>;
  const statusCode = fc.oneof(fc.constantFrom<unknown>(200, 401, 404, 429, 500, 602, '200'), fc.integer(), anything);
  const apiCode = fc.oneof(fc.integer({ min: 1298, max: 1308 }), fc.constantFrom(2004, 2020), fc.double(), anything);
  const envelope = fc.record(
    { statusCode, apiCode, requestId: anything, message: anything, data: anything },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.oneof({ weight: 4, arbitrary: envelope }, anything).map((value) => Buffer.from(JSON.stringify(value))),
    // Cut anywhere, multi-byte characters included.
    fc.tuple(envelope, fc.nat(200)).map(([value, length]) => Buffer.from(JSON.stringify(value)).subarray(0, length)),
  );
  const answer: fc.Arbitrary<WireResponse> = fc.record({
    status: fc.oneof({ weight: 2, arbitrary: fc.constant(200) }, fc.integer({ min: 100, max: 999 })),
    headers: fc.oneof(
      fc.constant({}),
      fc.dictionary(
        fc.oneof(fc.constantFrom('retry-after', 'content-encoding', '__proto__'), fc.string()),
        fc.string(),
      ),
    ),
    body,
  });

  test('is a success or one of the two errors, with codes that are valid in GraphQL', () => {
    fc.assert(
      fc.property(answer, (any) => {
        const judgement = judgementOf(any);
        if (judgement instanceof ManagementUnreachableError) {
          expect(judgement.sent).toBe('maybe');
          return;
        }
        expect(judgement.apiCode ?? 0).toBe((judgement.apiCode ?? 0) | 0);
        expect(judgement.requestId ?? 'none').toMatch(/^[!-~]{1,128}$/);
        if (judgement instanceof ManagementRefusedError) {
          expect(judgement.statusCode).not.toBe(200);
          if (judgement.retryAfterMs === null) return;
          expect(judgement.retryAfterMs).toBeGreaterThanOrEqual(0);
          expect(judgement.retryAfterMs).toBeLessThanOrEqual(60_000);
          return;
        }
        expect(any.status >= 200 && any.status < 300).toBe(true);
        const parsed = JSON.parse(any.body.toString().replace(/^\ufeff/, '')) as { data?: unknown };
        expect(parsed).toMatchObject({ statusCode: 200 });
        expect(judgement.data).toEqual(parsed.data);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('Retry-After', () => {
  const now = Date.parse('Mon, 06 Jan 2025 08:00:00 GMT');

  test.each<[string | undefined, number | null]>([
    [undefined, null],
    ['0', 0],
    ['1', 1_000],
    [' 5 ', 5_000],
    ['007', 7_000],
    ['60', 60_000],
    ['61', 60_000],
    ['1000000000', 60_000],
    ['99999999999', null],
    ['-1', null],
    ['+1', null],
    ['1.5', null],
    ['1e3', null],
    ['0x10', null],
    ['Infinity', null],
    ['', null],
    ['soon', null],
    ['1, 2', null],
    ['Mon, 06 Jan 2025 08:00:02 GMT', 2_000],
    ['Mon, 06 Jan 2025 07:59:00 GMT', 0],
    ['Tue, 07 Jan 2025 08:00:00 GMT', 60_000],
    ['Mon, 99 Jan 2025 08:00:00 GMT', null],
    ['Mon, soon', null],
    ['2025-01-06T08:00:02Z', null],
  ])('%j is %j ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});
