/** A switch with a closed set of values. The first one is the default. */
function oneOf<const Words extends readonly [string, ...string[]]>(words: Words, effect: string) {
  return { words, initial: words[0] as Words[number], effect };
}

/** A switch that is a number, and the smallest value that it accepts. */
function number(initial: number, from: number, effect: string) {
  return { from, initial, effect };
}

/**
 * Every switch: its values, its default, and what it changes. Types, parsing, `--help` and the table in docs/emulator.md
 * are derived from this table.
 *
 * There is one switch for each behaviour of GenAuth that is unknown or only likely. docs/genauth-api.md says which they are.
 * The emulator reads all switches at each request.
 */
export const SWITCHES = {
  // Linking and unlinking: docs/genauth-api.md#unlink-identity, #link-identity and #idempotency-key
  unlinkTypeDefault: oneOf(
    ['all', 'generic'],
    'What unlink-identity without `type` removes: every identity under the source, or only those of type `generic`',
  ),
  unlinkMissing: oneOf(
    ['success', 'success-false', '404', '422'],
    'The response when there is nothing to unlink: `success` true, `success` false, 404, or 422 with apiCode 2216',
  ),
  lastIdentityGuard: oneOf(
    ['off', '422'],
    '422: an unlink that would leave neither an identity nor a password is refused with apiCode 2217',
  ),
  linkTaken: oneOf(
    ['409', '422', 'move'],
    'Linking an identity of another user: 409, 422 with apiCode 2215, or the identity moves to the new user',
  ),
  linkHeld: oneOf(
    ['success', 'success-false', '409'],
    'Linking an identity that the user already holds: `success` true, `success` false, or 409',
  ),
  idempotencyKey: oneOf(
    ['ignored', 'honoured'],
    'Whether writes honour the Idempotency-Key header. If so, a key sent again with another request gets 422',
  ),
  idempotencyReplay: oneOf(
    ['same', '409'],
    'What a repeated write gets where the key is honoured: the same data again, or 409. Neither executes it again',
  ),

  // Users and their identities: docs/genauth-api.md#get-user, #get-user-batch, #identity and #user
  readLagMs: number(
    0,
    0,
    'Milliseconds by which get-user, get-user-batch and get-user-identities lag behind changes of identities',
  ),
  indexLagMs: number(0, 0, 'Milliseconds by which list-users, which reads a search index, lags behind such changes'),
  batchUnknown: oneOf(
    ['omit', 'null', '404'],
    'Unknown ids in get-user-batch: left out, null in their place, or the whole batch is refused with 404',
  ),
  batchOrder: oneOf(
    ['asked', 'reversed', 'stored'],
    'The order of get-user-batch: as requested, reversed, or as stored',
  ),
  batchDuplicates: oneOf(['once', 'repeated'], 'Whether an id that is requested twice in one batch is returned twice'),
  batchEncodings: oneOf(
    ['all', 'brackets', 'repeat', 'comma', 'json'],
    'The list encodings that get-user-batch reads: `ids[]=a&ids[]=b`, `ids=a&ids=b`, `ids=a,b`, `ids=["a","b"]`',
  ),
  noIdentities: oneOf(
    ['empty', 'null', 'absent'],
    'The member `identities` of a user without any, where requested: an empty list, null, or no such member',
  ),
  noValue: oneOf(['null', 'absent'], 'Other members of a user that have no value: null, or no such member'),
  userInfoInIdp: oneOf(
    ['present', 'absent', 'text'],
    'Whether identities have `userInfoInIdp`, and whether it is an object or a text that holds JSON',
  ),
  originConnIds: oneOf(['list', 'text'], 'Whether `originConnIds` is a list or a text that holds a JSON list'),
  identityTokens: oneOf(
    ['present', 'absent'],
    'Whether identities have `accessToken` and `refreshToken`, where the pool has them',
  ),
  userMissingApiCode: oneOf(
    ['present', 'absent'],
    'Whether the 404 of an unknown user has apiCode 2004, or no apiCode at all',
  ),
  loggedInHistory: oneOf(
    ['kept', 'removed'],
    'Whether get-user-logged-in-identities still lists a source after its last identity was unlinked',
  ),
  loggedInIdpId: oneOf(
    ['source', 'identity'],
    'What `idpId` of get-user-logged-in-identities is: the id of the source, or the id of the identity',
  ),

  // Identity sources, applications and sessions: docs/genauth-api.md#list-ext-idp, #get-application and #sessions
  extIdpMissing: oneOf(['404', '400', '499'], 'The statusCode for an identity source that does not exist'),
  extIdpList: oneOf(['list', 'object'], 'object: list-ext-idp returns a list of one source as that source alone'),
  extIdpAppId: oneOf(
    ['ignored', 'enabled'],
    'Whether `appId` of list-ext-idp selects the sources that this application enables',
  ),
  extIdpDisabled: oneOf(
    ['listed', 'omitted'],
    'Whether list-ext-idp without `appId` lists sources that no application enables',
  ),
  applicationMissing: oneOf(
    ['2011', '404', '400'],
    'An unknown application: 404 with apiCode 2011, 404 without an apiCode, or 400',
  ),
  enabledExtIdpConns: oneOf(
    ['objects', 'ids', 'text'],
    'What get-application lists as `enabledExtIdpConns`: objects, connection ids, or a text that holds a JSON list of ids',
  ),
  sessionsAfterUnlink: oneOf(['kept', 'ended'], 'Whether an unlink that removes an identity ends all sessions'),
  sessionsAfterKick: oneOf(['ended', 'kept'], 'kept: kick-users says success, but the sessions stay active'),
  kickMissing: oneOf(
    ['success', 'success-false', '404'],
    'kick-users for a user who is signed in to none of the applications: `success` true, `success` false, or 404',
  ),

  // Envelope and authentication: docs/genauth-api.md#envelope, #request-signing, #management-token and #headers
  requestId: oneOf(['always', 'failure', 'never'], 'Which envelopes have a `requestId`'),
  signatureStatusCode: number(401, 400, 'The statusCode of envelopes with apiCode 1300 to 1306'),
  unauthorizedAs: oneOf(['body', 'http'], 'Whether envelopes with statusCode 401 arrive as HTTP 200 or as HTTP 401'),
  signatureBrand: oneOf(
    ['both', 'genauth', 'authing'],
    'The signatures that are accepted: scheme `GenAuth`, scheme `authing`, or both',
  ),
  dateFormat: oneOf(
    ['both', 'utc', 'ms'],
    'Accepted forms of the `date` header: `Mon, 06 Jan 2025 08:00:00 GMT`, epoch milliseconds, or both',
  ),
  skewWindowMs: number(300_000, 0, 'Milliseconds by which `date` may differ from the clock before apiCode 1305'),
  nonceMemoryMs: number(
    600_000,
    0,
    'Milliseconds for which a used signature is refused with apiCode 1306. 0: signatures may be used again',
  ),
  trailingQuestionMark: oneOf(
    ['accept', 'refuse'],
    'A signature over a path that ends in `?` for a request without parameters, as the vendor SDK makes it',
  ),
  rawToken: oneOf(['accept', 'refuse'], 'A management token in `authorization` without `Bearer `'),
  userPoolHeader: oneOf(
    ['either', 'genauth', 'authing', 'none'],
    'The user pool header that a token needs: of either brand, of one brand, or none. A wrong id is always refused',
  ),
  tokenLifeSeconds: number(7200, 0, 'Lifetime of a new management token in seconds'),
  validTokens: oneOf(['all', 'newest'], 'Whether all unexpired tokens of a key are valid, or only the newest'),
  wrongKey: oneOf(
    ['401', '403'],
    'A wrong key in get-management-token: 401 with apiCode 2020, or 403 with apiCode 2333',
  ),

  // Rate limits and clock: docs/genauth-api.md#rate-limits
  qps: number(300, 0, 'Calls per second of the user pool, with bursts of the same size. 0 or Infinity: no limit'),
  rateLimitedAs: oneOf(['http', 'body'], 'Whether a rate limited call gets HTTP 429, or statusCode 429 in HTTP 200'),
  retryAfter: oneOf(['absent', 'seconds', 'date'], 'The `Retry-After` header of a rate limited call'),
  tokenRateLimit: oneOf(['counted', 'free'], 'Whether get-management-token counts against `qps`'),
  clockOffsetMs: number(0, -Infinity, 'Milliseconds by which the clock of the emulator is ahead. Negative: behind'),
};

type Table = typeof SWITCHES;

/** The value of every switch. */
export type Switches = {
  [Name in keyof Table]: Table[Name]['initial'];
};

export type SwitchName = keyof Switches;

export const SWITCH_NAMES = Object.keys(SWITCHES) as SwitchName[];

/** Returns the default of every switch. */
export function defaultSwitches(): Switches {
  return Object.fromEntries(SWITCH_NAMES.map((name) => [name, SWITCHES[name].initial])) as unknown as Switches;
}

/**
 * Checks switches that arrived as text or JSON, all of them before any is used. Numbers may be given as text.
 *
 * @throws {RangeError} A switch does not exist, or cannot have this value. The message lists what is possible.
 */
export function readSwitches(settings: Readonly<Record<string, unknown>>): Partial<Switches> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, readSwitch(name, value)]));
}

function readSwitch(name: string, value: unknown): string | number {
  if (!isSwitch(name)) throw new RangeError(`unknown switch "${name}"; there are ${SWITCH_NAMES.join(', ')}`);
  const definition = SWITCHES[name];
  if ('from' in definition) {
    const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof read === 'number' && read >= definition.from) return read;
  } else {
    const word = typeof value === 'number' ? String(value) : value;
    if (typeof word === 'string' && (definition.words as readonly string[]).includes(word)) return word;
  }
  throw new RangeError(`switch "${name}" must be ${describeValues(name)}`);
}

/** Returns the values that a switch accepts, in words. */
export function describeValues(name: SwitchName): string {
  const definition = SWITCHES[name];
  if (!('from' in definition)) return definition.words.join(' | ');
  return definition.from === -Infinity ? 'a number' : `a number from ${definition.from}`;
}

function isSwitch(name: string): name is SwitchName {
  return Object.hasOwn(SWITCHES, name);
}
