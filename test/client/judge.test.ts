import { errorsOf, isLinked, isUnauthenticated, judge, judgeUnlink, settleUnlink } from '../../src/client';

const PAYLOAD = { success: true, requestId: 'r', apiCode: null, operationId: 'o', removed: [], user: null };
const error = (extensions: object, path: string[] | undefined = ['unlinkIdentity']) => ({
  message: '',
  path,
  extensions,
});

describe('judgeUnlink', () => {
  test.each([
    ['a body', { data: { unlinkIdentity: PAYLOAD } }],
    ['the data alone', { unlinkIdentity: PAYLOAD }],
    [
      'a payload with an error beside it',
      { data: { unlinkIdentity: PAYLOAD }, errors: [error({ outcome: 'UNKNOWN' })] },
    ],
    [
      'an error that holds the data',
      Object.assign(new Error('partial'), { data: { unlinkIdentity: PAYLOAD }, errors: [] }),
    ],
    [
      'an error that holds the response',
      Object.assign(new Error('x'), { response: { data: { unlinkIdentity: PAYLOAD } } }),
    ],
  ])('finds the payload in %s', (_name, from) => {
    expect(judgeUnlink(from)).toEqual({ ...PAYLOAD, kind: 'unlinked' });
  });

  test('reports a refusal by GenAuth', () => {
    const payload = { ...PAYLOAD, success: false, apiCode: 2004 };
    expect(judgeUnlink({ data: { unlinkIdentity: payload } })).toEqual({
      kind: 'refused',
      apiCode: 2004,
      requestId: 'r',
      operationId: 'o',
    });
  });

  test.each([
    ['nothing', undefined],
    ['an exception', new TypeError('fetch failed')],
    ['a text that is not JSON', Object.assign(new Error('x'), { bodyText: '<html>', statusCode: 504 })],
    ['a null payload without errors', { data: { unlinkIdentity: null } }],
    ['an error without an outcome', { data: null, errors: [error({ code: 'GATEWAY_TIMEOUT' })] }],
    ['an error without extensions', { errors: [{ message: 'x' }, null] }],
    [
      'errors of which one is of an unknown outcome',
      { errors: [error({ outcome: 'NOT_EXECUTED' }), error({ outcome: 'UNKNOWN' })] },
    ],
    ['the error of another field', { errors: [error({ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' }, ['other'])] }],
  ])('reports an unknown outcome for %s', (_name, from) => {
    expect(judgeUnlink(from)).toEqual({ kind: 'unknown', operationId: null });
  });

  test('reports that nothing was executed, and when to try again', () => {
    const extensions = { code: 'RATE_LIMITED', outcome: 'NOT_EXECUTED', retryAfterMs: 900, operationId: 'o' };
    const expected = { kind: 'notExecuted', code: 'RATE_LIMITED', retryAfterMs: 900, operationId: 'o' };
    expect(judgeUnlink({ errors: [error(extensions)] })).toEqual(expected);
    expect(judgeUnlink({ error: { graphQLErrors: [error(extensions)] } })).toEqual(expected);
    expect(judgeUnlink({ bodyText: JSON.stringify({ errors: [error(extensions)] }) })).toEqual(expected);
  });

  test('reports a code that it does not know as an internal error', () => {
    expect(judgeUnlink({ errors: [error({ code: 'NEW', outcome: 'NOT_EXECUTED' })] })).toMatchObject({
      kind: 'notExecuted',
      code: 'INTERNAL_SERVER_ERROR',
    });
  });
});

describe('judge', () => {
  test('judges the other mutations in the same way', () => {
    const revokeSessions = { success: true, requestId: null, apiCode: null, operationId: 'o', applications: 2 };
    expect(judge({ revokeSessions }, 'revokeSessions')).toEqual({ ...revokeSessions, kind: 'done' });
    expect(judge({ data: { linkIdentity: null } }, 'linkIdentity').kind).toBe('unknown');
  });
});

describe('settleUnlink', () => {
  const rows = [{ extIdpId: 'a', type: 'openid', userIdInIdp: '1' }];

  test('finds whether an identity of the account is left', () => {
    expect(settleUnlink(rows, { extIdpId: 'a' })).toEqual({ kind: 'stillLinked' });
    expect(settleUnlink(rows, { extIdpId: 'a', type: null })).toEqual({ kind: 'stillLinked' });
    expect(settleUnlink(rows, { extIdpId: 'a', type: 'unionid' })).toEqual({ kind: 'unlinked' });
    expect(settleUnlink([], { extIdpId: 'a' })).toEqual({ kind: 'unlinked' });
  });

  test('stays unknown if the identities could not be read', () => {
    expect(settleUnlink(null, { extIdpId: 'a' })).toEqual({ kind: 'unknown' });
    expect(isLinked(undefined, { extIdpId: 'a' })).toBeNull();
  });

  test('compares the id at the provider where one is given', () => {
    expect(isLinked(rows, { extIdpId: 'a', userIdInIdp: '1' })).toBe(true);
    expect(isLinked(rows, { extIdpId: 'a', userIdInIdp: '2' })).toBe(false);
  });
});

describe('isUnauthenticated', () => {
  test('recognises a 401 inside a 200, and one of a router', () => {
    expect(isUnauthenticated({ data: { me: null }, errors: [error({ code: 'UNAUTHENTICATED' }, ['me'])] })).toBe(true);
    expect(isUnauthenticated(Object.assign(new Error('x'), { statusCode: 401, bodyText: '' }))).toBe(true);
    expect(isUnauthenticated({ errors: [error({ code: 'FORBIDDEN' })] })).toBe(false);
  });
});

describe('errorsOf', () => {
  test('returns every error of a response once', () => {
    const errors = [error({ code: 'FORBIDDEN', outcome: 'NOT_EXECUTED' })];
    expect(errorsOf({ data: null, errors }).map(({ code, field }) => [code, field])).toEqual([
      ['FORBIDDEN', 'unlinkIdentity'],
    ]);
  });
});
