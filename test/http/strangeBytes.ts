import { JSON_TYPE, request } from '../support/rawHttp';
import { UNLINK } from '../support/stack';

export const BODY = '{"query":"{ __typename }"}';
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
export const LENGTH = `content-length: ${BODY.length}`;

/** The bytes of a request, from its lines. */
export const raw = (lines: readonly string[], body: string, first = 'POST /graphql HTTP/1.1'): string =>
  `${[first, 'host: 127.0.0.1', JSON_TYPE, ...lines].join('\r\n')}\r\n\r\n${body}`;

/** An unlink, to be smuggled behind another request. */
const HARM = JSON.stringify({
  query: UNLINK,
  variables: { userId: '6229ffa1c05e6bfcade3e3d2', extIdpId: '62f20932716fbcc10d966ee6' },
});
export const SMUGGLED = raw([`content-length: ${HARM.length}`], HARM);

/** Malformed or ambiguous headers, with the status of the rejection. */
export const BROKEN_HEADERS: readonly [string, string, number][] = [
  ['a length and chunks', raw([LENGTH, 'transfer-encoding: chunked'], CHUNKED), 400],
  ['chunks and a length', raw(['transfer-encoding: chunked', 'content-length: 5'], '0\r\n\r\n'), 400],
  ['the same length twice', raw([LENGTH, LENGTH], BODY), 400],
  ['two lengths', raw([LENGTH, 'content-length: 0'], BODY), 400],
  ['a list of lengths', raw([`${LENGTH}, ${BODY.length}`], BODY), 400],
  ['a length with a sign', raw([`content-length: +${BODY.length}`], BODY), 400],
  ['a hexadecimal length', raw(['content-length: 0x1a'], BODY), 400],
  ['a negative length', raw(['content-length: -1'], BODY), 400],
  ['a length of 30 digits', raw([`content-length: ${'9'.repeat(30)}`], BODY), 400],
  ['an empty length', raw(['content-length:'], BODY), 400],
  ['lines that end with LF alone', raw([LENGTH], BODY).replaceAll('\r\n', '\n'), 400],
  ['one line that ends with LF alone', raw([`x: sentinel\n${LENGTH}`], BODY), 400],
  ['a CR inside a value', raw([`x: sentinel\r${LENGTH}`], BODY), 400],
  ['a value that continues in the next line', raw(['x: sentinel', ' sentinel', LENGTH], BODY), 400],
  [
    'a request line that continues in the next line',
    raw([LENGTH], BODY).replace('\r\nhost', '\r\n x: sentinel\r\nhost'),
    400,
  ],
  ['NUL in a value', raw(['x: sentinel\0', LENGTH], BODY), 400],
  ['NUL in a name', raw(['sentinel\0: x', LENGTH], BODY), 400],
  ['a space before the colon of the length', raw([`content-length : ${BODY.length}`], BODY), 400],
  ['a space before the colon of the encoding', raw(['transfer-encoding : chunked', LENGTH], BODY), 400],
  ['chunks that are not the last encoding', raw(['transfer-encoding: chunked, identity'], CHUNKED), 400],
  ['chunks of chunks', raw(['transfer-encoding: chunked', 'transfer-encoding: chunked'], CHUNKED), 400],
  ['a line without a colon', raw(['sentinel', LENGTH], BODY), 400],
  ['a header without a name', raw([': sentinel', LENGTH], BODY), 400],
  ['bytes beyond ASCII in the URL', raw([LENGTH], BODY, 'POST /gr\u00e4phql HTTP/1.1'), 400],
  ['a space in the URL', raw([LENGTH], BODY, 'POST /graphql sentinel HTTP/1.1'), 400],
  ['a method in lower case', raw([LENGTH], BODY, 'post /graphql HTTP/1.1'), 400],
  ['a version that does not exist', raw([LENGTH], BODY, 'POST /graphql HTTP/1.2'), 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400],
  ['the beginning of a TLS handshake', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400],
  ['a header of 20 000 bytes', raw([`x: ${'sentinel'.repeat(2_500)}`, LENGTH], BODY), 431],
  ['3 000 headers', raw([...Array.from({ length: 3_000 }, (_, index) => `x${index}: a`), LENGTH], BODY), 431],
  ['a URL of 20 000 bytes', raw([LENGTH], BODY, `POST /${'sentinel'.repeat(2_500)} HTTP/1.1`), 431],
];

/** Bodies that contradict their headers, with the status of the rejection. */
export const BROKEN_BODIES: readonly [string, string, number][] = [
  ['the encoding `identity`', raw(['transfer-encoding: identity'], BODY), 400],
  ['an unknown encoding', raw(['transfer-encoding: xchunked'], BODY), 400],
  ['an encoding in quotes', raw(['transfer-encoding: "chunked"'], CHUNKED), 400],
  ['a chunk size that is not a number', raw(['transfer-encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a negative chunk size', raw(['transfer-encoding: chunked'], `-1\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['a chunk size of 18 digits', raw(['transfer-encoding: chunked'], `${'f'.repeat(18)}\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['chunks that end with LF alone', raw(['transfer-encoding: chunked'], CHUNKED.replaceAll('\r\n', '\n')), 400],
  ['a chunk that is longer than its size', raw(['transfer-encoding: chunked'], `5\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ['LF in a chunk extension', raw(['transfer-encoding: chunked'], CHUNKED.replace('\r\n', ';a\nb\r\n')), 400],
  [
    'a chunk extension of 40 000 bytes',
    raw(['transfer-encoding: chunked'], CHUNKED.replace('\r\n', `;${'a'.repeat(40_000)}\r\n`)),
    400,
  ],
  [
    'a length among the trailers',
    raw(['transfer-encoding: chunked'], CHUNKED.replace(/\r\n$/, 'content-length: 3\r\n\r\n')),
    400,
  ],
  ['400 000 bytes', raw(['content-length: 400000'], 'x'.repeat(400_000)), 413],
  [
    'a chunk of 400 000 bytes',
    raw(['transfer-encoding: chunked'], `61a80\r\n${'x'.repeat(400_000)}\r\n0\r\n\r\n`),
    413,
  ],
];

/** Unusual requests that every parser reads in the same way. */
export const LEGAL: readonly [string, string][] = [
  ['chunks', raw(['connection: close', 'transfer-encoding: chunked'], CHUNKED)],
  ['chunks after a tab', raw(['connection: close', 'transfer-encoding:\tchunked'], CHUNKED)],
  ['a chunk extension', raw(['connection: close', 'transfer-encoding: chunked'], CHUNKED.replace('\r\n', ';a=b\r\n'))],
  [
    'trailers, which are ignored',
    raw(
      ['connection: close', 'transfer-encoding: chunked'],
      CHUNKED.replace(/\r\n$/, 'x-request-id: sentinel\r\n\r\n'),
    ),
  ],
  ['an absolute URL', request('http://127.0.0.1/graphql', [JSON_TYPE]).replace('subgraph', '127.0.0.1')],
  ['chunks in HTTP/1.0', raw(['transfer-encoding: chunked'], CHUNKED, 'POST /graphql HTTP/1.0')],
  ['HTTP/1.0', raw([LENGTH], BODY, 'POST /graphql HTTP/1.0')],
  ['empty lines before it', `\r\n\r\n${raw(['connection: close', LENGTH], BODY)}`],
  ['an upgrade to HTTP/2', raw(['connection: upgrade, close', 'upgrade: h2c', LENGTH], BODY)],
  ['300 headers', raw([...Array.from({ length: 300 }, () => 'x: a'), 'connection: close', LENGTH], BODY)],
  ['a URL of 10 000 bytes', raw(['connection: close', LENGTH], BODY, `POST /graphql?${'a'.repeat(10_000)} HTTP/1.1`)],
];
