/**
 * How the stand-in behaves where nobody outside knows how GenAuth does: one switch for each thing that
 * genauth-wire.md marks as unknown or merely likely. All are read at each request.
 */
export interface Switches {
  /** Default 'all'. What unlink-identity without `type` removes: all rows of the source, or those of type `generic`. */
  unlinkTypeDefault: 'all' | 'generic';
  /** Default 'success'. Unlinking what is not linked: `success` true, `success` false, 404, or 422 with apiCode 2216. */
  unlinkMissing: 'success' | 'success-false' | '404' | '422';
  /** Default 'off'. '422': an unlink that leaves neither identity nor password is refused with apiCode 2217. */
  lastIdentityGuard: 'off' | '422';
  /** Default '409'. Linking what another user holds: 409, 422 with apiCode 2215, or the identity moves to the new user. */
  linkTaken: '409' | '422' | 'move';
  /** Default 'omit'. Unknown ids in get-user-batch: left out, null in their place, or the whole batch answers 404. */
  batchUnknown: 'omit' | 'null' | '404';
  /** Default 'asked'. Order of get-user-batch: as asked, the other way round, or as stored. */
  batchOrder: 'asked' | 'reversed' | 'stored';
  /** Default 'once'. An id asked for twice in get-user-batch is answered once, or twice. */
  batchDuplicates: 'once' | 'repeated';
  /** Default 'all'. Which array encodings get-user-batch reads: `ids[]=a&ids[]=b`, `ids=a&ids=b`, `ids=a,b`. */
  batchEncodings: 'all' | 'brackets' | 'repeat' | 'comma';
  /** Default 'empty'. `identities` of a user who has none, when asked for: `[]`, null, or no such field. */
  noIdentities: 'empty' | 'null' | 'absent';
  /** Default 'null'. Other fields of a user that have no value: explicit null, or no such field. */
  noValue: 'null' | 'absent';
  /** Default 'present'. Whether rows of identities carry `userInfoInIdp`: the schema requires it, no sample has it. */
  userInfoInIdp: 'present' | 'absent';
  /** Default 'present'. Whether they carry `accessToken` and `refreshToken`: the text says no, a sample says yes. */
  identityTokens: 'present' | 'absent';
  /** Default 'present'. Whether a missing user is refused with apiCode 2004, or with statusCode 404 alone. */
  userMissingApiCode: 'present' | 'absent';
  /** Default 0. Milliseconds that list-users, which reads a search index, lags behind changes of identities. */
  indexLagMs: number;
  /** Default 'always'. When an envelope has a `requestId`. */
  requestId: 'always' | 'failure' | 'never';

  /** Default 401. `statusCode` of the envelopes with apiCode 1300 to 1306. */
  signatureStatusCode: number;
  /** Default 'body'. Envelopes of 401 come under HTTP 200, or as HTTP 401. */
  unauthorizedAs: 'body' | 'http';
  /** Default 'both'. Whose signatures are accepted: scheme `GenAuth`, scheme `authing`, or either. */
  signatureBrand: 'both' | 'genauth' | 'authing';
  /** Default 'both'. Forms of the `date` header: `Mon, 06 Jan 2025 08:00:00 GMT`, epoch milliseconds, or either. */
  dateFormat: 'both' | 'utc' | 'ms';
  /** Default 300000. Milliseconds that `date` may be off before apiCode 1305. */
  skewWindowMs: number;
  /** Default 600000. Milliseconds that a signature is remembered for apiCode 1306. 0: it may be used again. */
  nonceMemoryMs: number;
  /** Default 'accept'. A signature over a path with `?` where the request has no parameters, as the vendor's SDK makes. */
  trailingQuestionMark: 'accept' | 'refuse';
  /** Default 'accept'. A management token that stands in `authorization` without `Bearer `. */
  rawToken: 'accept' | 'refuse';
  /** Default 'either'. The user pool header a token needs: of either brand, of one, or none (a wrong one is refused). */
  userPoolHeader: 'either' | 'genauth' | 'authing' | 'none';
  /** Default 7200. Seconds that a new management token lives. */
  tokenLifeSeconds: number;
  /** Default 'all'. Which tokens of a key are valid at a time: every one, or only the newest. */
  validTokens: 'all' | 'newest';
  /** Default '401'. A wrong key in get-management-token: 401 with apiCode 2020, or 403 with apiCode 2333. */
  wrongKey: '401' | '403';

  /** Default 300. Calls per second of this user pool, in bursts of as many. 0 or Infinity: no limit. */
  qps: number;
  /** Default 'http'. What is over the limit gets HTTP 429, or an envelope of 429 under HTTP 200. */
  rateLimitedAs: 'http' | 'body';
  /** Default 'absent'. The `Retry-After` header of a 429. */
  retryAfter: 'absent' | 'seconds' | 'date';
  /** Default 'counted'. Whether get-management-token counts against `qps`. */
  tokenRateLimit: 'counted' | 'free';
  /** Default 0. Milliseconds by which the service's clock is ahead, or behind when negative: `date`, signatures, tokens. */
  clockOffsetMs: number;
}

export const DEFAULT_SWITCHES: Readonly<Switches> = {
  unlinkTypeDefault: 'all',
  unlinkMissing: 'success',
  lastIdentityGuard: 'off',
  linkTaken: '409',
  batchUnknown: 'omit',
  batchOrder: 'asked',
  batchDuplicates: 'once',
  batchEncodings: 'all',
  noIdentities: 'empty',
  noValue: 'null',
  userInfoInIdp: 'present',
  identityTokens: 'present',
  userMissingApiCode: 'present',
  indexLagMs: 0,
  requestId: 'always',
  signatureStatusCode: 401,
  unauthorizedAs: 'body',
  signatureBrand: 'both',
  dateFormat: 'both',
  skewWindowMs: 300_000,
  nonceMemoryMs: 600_000,
  trailingQuestionMark: 'accept',
  rawToken: 'accept',
  userPoolHeader: 'either',
  tokenLifeSeconds: 7200,
  validTokens: 'all',
  wrongKey: '401',
  qps: 300,
  rateLimitedAs: 'http',
  retryAfter: 'absent',
  tokenRateLimit: 'counted',
  clockOffsetMs: 0,
};

/** What each switch may be set to: one of these words, or a number from this one on. */
export const SWITCH_VALUES: { readonly [N in keyof Switches]: readonly Switches[N][] | { readonly from: number } } = {
  unlinkTypeDefault: ['all', 'generic'],
  unlinkMissing: ['success', 'success-false', '404', '422'],
  lastIdentityGuard: ['off', '422'],
  linkTaken: ['409', '422', 'move'],
  batchUnknown: ['omit', 'null', '404'],
  batchOrder: ['asked', 'reversed', 'stored'],
  batchDuplicates: ['once', 'repeated'],
  batchEncodings: ['all', 'brackets', 'repeat', 'comma'],
  noIdentities: ['empty', 'null', 'absent'],
  noValue: ['null', 'absent'],
  userInfoInIdp: ['present', 'absent'],
  identityTokens: ['present', 'absent'],
  userMissingApiCode: ['present', 'absent'],
  indexLagMs: { from: 0 },
  requestId: ['always', 'failure', 'never'],
  signatureStatusCode: { from: 400 },
  unauthorizedAs: ['body', 'http'],
  signatureBrand: ['both', 'genauth', 'authing'],
  dateFormat: ['both', 'utc', 'ms'],
  skewWindowMs: { from: 0 },
  nonceMemoryMs: { from: 0 },
  trailingQuestionMark: ['accept', 'refuse'],
  rawToken: ['accept', 'refuse'],
  userPoolHeader: ['either', 'genauth', 'authing', 'none'],
  tokenLifeSeconds: { from: 0 },
  validTokens: ['all', 'newest'],
  wrongKey: ['401', '403'],
  qps: { from: 0 },
  rateLimitedAs: ['http', 'body'],
  retryAfter: ['absent', 'seconds', 'date'],
  tokenRateLimit: ['counted', 'free'],
  clockOffsetMs: { from: -Infinity },
};

/**
 * Checks settings that came as text or JSON, all of them before any is used. Numbers may be given as text.
 *
 * @throws {RangeError} naming the first switch that does not exist or cannot be set so, and what it may be.
 */
export function readSwitches(settings: Readonly<Record<string, unknown>>): Partial<Switches> {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!isSwitch(name)) {
      throw new RangeError(`unknown switch "${name}"; there are ${Object.keys(SWITCH_VALUES).join(', ')}`);
    }
    const allowed = SWITCH_VALUES[name];
    if ('from' in allowed) {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || !(number >= allowed.from)) {
        throw new RangeError(`switch "${name}" must be ${describeSwitch(name)}`);
      }
      read[name] = number;
    } else {
      const word = typeof value === 'number' ? String(value) : value;
      if (!(allowed as readonly unknown[]).includes(word)) {
        throw new RangeError(`switch "${name}" must be ${describeSwitch(name)}`);
      }
      read[name] = word;
    }
  }
  return read;
}

/** What a switch may be set to, in words. */
export function describeSwitch(name: keyof Switches): string {
  const allowed = SWITCH_VALUES[name];
  if (!('from' in allowed)) return allowed.join(' | ');
  return allowed.from === -Infinity ? 'a number' : `a number from ${allowed.from}`;
}

function isSwitch(name: string): name is keyof Switches {
  return Object.hasOwn(SWITCH_VALUES, name);
}
