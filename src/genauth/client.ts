import type { Deadline } from '../deadline';
import { isObject, type JsonReader } from '../json';
import type { RequestOf, Route } from './api';
import { SignatureAuthentication } from './authentication';
import type { Answer } from './envelope';
import { ManagementRefusedError, ManagementUnreachableError } from './errors';
import { createIdParser, type GenAuthId, type IdentityType, type IdParser } from './ids';
import { type Identity, IdentityList } from './identity';
import { type ManagementToken, tokenAuthentication } from './managementToken';
import { type AttemptedAnswer, type CallReport, type Protection, type RequestOptions, Requests } from './requests';
import type { AccessKey, Brand } from './signature';
import { createTokenBucket, type RateLimit } from './tokenBucket';
import { createTransport, type Transport } from './transport';
import { readUser, readUsers, type UserRow } from './userRow';

export interface ManagementClientOptions {
  /** Where GenAuth is, such as `https://api.genauth.ai`. */
  origin: string;
  accessKey: AccessKey;
  /** `signature`: an HMAC on each request. `token`: a management token, fetched with the access key and renewed. */
  authentication: 'signature' | 'token';
  brand: Brand;
  /** The language of GenAuth's messages, which this client reads none of: for whoever reads GenAuth's own logs. */
  lang: string;
  /** For token mode. Default null: the pool that the token names. */
  userPoolId: string | null;
  /** What a user id and an identity source id look like: a regular expression for the whole id. */
  idPattern: string;
  connectTimeoutMs: number;
  /** For one attempt of a read. */
  readTimeoutMs: number;
  /** For one attempt of a write. */
  writeTimeoutMs: number;
  /** Simultaneous calls at most; an eighth of them is kept for writes. */
  maxConcurrency: number;
  /** Calls per second at most. */
  maxQps: number;
  /** Default: a token bucket of `maxQps`, for this client alone. */
  rateLimit?: RateLimit;
  /** Default: nobody is told. Told of every attempt of every call. */
  onCall?: (report: CallReport) => void;
}

export interface ReadOptions {
  /** Ends it, waiting included. */
  deadline: Deadline;
  /**
   * Default: waits behind writes, and is repeated once where it failed in passing. `settling` is for the read that settles
   * a write: it takes the writes' room, and whoever settles decides about repeating.
   */
  purpose?: 'settling';
}

/** What a running client can be watched by. */
export interface ManagementGauges extends Protection {
  /** Milliseconds by which GenAuth's clock was found to be ahead of ours; 0 until a signature was refused for it. */
  clockOffsetMs: number;
}

/** A user, as far as this subgraph looks at one. */
export interface User {
  id: string;
  email: string | null;
  phone: string | null;
  username: string | null;
  /** When the password was last set; null for a user who never had one. */
  passwordLastSetAt: string | null;
  /** Whether GenAuth knows that the address is the user's. */
  emailVerified: boolean;
  phoneVerified: boolean;
  identities: readonly Identity[];
}

/** GenAuth's word that an unlink was executed. */
export interface Acknowledgement {
  apiCode: number | null;
  requestId: string | null;
  /** How many requests it took. */
  attempts: number;
}

/** `get-user-batch` takes this many ids at most. */
export const MAX_BATCH = 50;

/**
 * GenAuth's V3 management API, as far as this subgraph needs it: a few operations with constant routes, so that the
 * access key, which may do anything, can be made to do nothing else from here.
 *
 * Every method takes a deadline that ends it, waiting included, and throws `ManagementRefusedError` where GenAuth said no
 * and `ManagementUnreachableError` where no usable answer came.
 */
export class ManagementClient {
  /** Checks an id before it can be used in any of the methods. */
  readonly parseId: IdParser;
  readonly #transport: Transport;
  readonly #requests: Requests;
  readonly #signature: SignatureAuthentication | null;

  constructor(options: ManagementClientOptions) {
    const { accessKey, brand, lang, userPoolId } = options;
    this.parseId = createIdParser(options.idPattern);
    this.#transport = createTransport({
      origin: options.origin,
      connectTimeoutMs: options.connectTimeoutMs,
      // One more, for the management token that all the others may be waiting for.
      maxConnections: options.maxConcurrency + 1,
    });
    this.#signature =
      options.authentication === 'signature' ? new SignatureAuthentication({ key: accessKey, brand, lang }) : null;
    const fetchToken = (deadline: Deadline): Promise<ManagementToken> => this.#getManagementToken(accessKey, deadline);
    this.#requests = new Requests({
      transport: this.#transport,
      authentication: this.#signature ?? tokenAuthentication({ fetchToken, userPoolId, lang }),
      rateLimit: options.rateLimit ?? createTokenBucket(options.maxQps),
      maxConcurrency: options.maxConcurrency,
      readTimeoutMs: options.readTimeoutMs,
      writeTimeoutMs: options.writeTimeoutMs,
      onCall: options.onCall ?? (() => undefined),
    });
  }

  get gauges(): ManagementGauges {
    return { ...this.#requests.protection, clockOffsetMs: this.#signature?.clockOffsetMs ?? 0 };
  }

  /**
   * Unbinds every identity that a user holds under one identity source. Afterwards the user can no longer sign in through
   * that source until it is linked again.
   *
   * Sent once: the API takes no idempotency key, so a lost answer is settled by reading, never by sending again. There is a
   * second attempt only where nothing of the first can have arrived, or where GenAuth refused its credentials, which it does
   * before it executes anything.
   *
   * @param request.type Default: left to GenAuth. The identity's `type`, as GenAuth reports it.
   * @throws {ManagementRefusedError} GenAuth answered no, for example the user does not exist.
   * @throws {ManagementUnreachableError} No usable answer in time; `sent` says whether it may have been executed.
   * @see genauth-wire.md, section 2.1
   */
  async unlinkIdentity(
    request: { userId: GenAuthId; extIdpId: GenAuthId; type?: IdentityType },
    deadline: Deadline,
  ): Promise<Acknowledgement> {
    const route = 'POST /api/v3/unlink-identity';
    const options = { deadline, lane: 'writes', repeat: true } as const;
    const { userId, extIdpId, type } = request;
    const fields = type === undefined ? { userId, extIdpId } : { userId, extIdpId, type };
    const { data, apiCode, requestId, attempts } = await this.#request(route, fields, readValue, options);
    const success = isObject(data) ? data['success'] : undefined;
    if (success === true) return { apiCode, requestId, attempts };
    const error =
      success === false
        ? new ManagementRefusedError(route, { refusal: 'rejected', statusCode: 200, apiCode, requestId })
        : new ManagementUnreachableError(route, 'shape', 'maybe');
    error.attempts = attempts;
    throw error;
  }

  /**
   * Reads what a user is linked to at this moment: the read that settles a lost answer.
   *
   * @see genauth-wire.md, section 2.3
   */
  async getUserIdentities(userId: GenAuthId, options: ReadOptions): Promise<IdentityList> {
    const route = 'GET /api/v3/get-user-identities';
    const { data = null } = await this.#request(
      route,
      { userId },
      (json) => IdentityList.read(json),
      toOptions(options),
    );
    if (data === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return data;
  }

  /**
   * Reads the identities of up to 50 users with one call.
   *
   * Rows are told apart by their own `userId`, never by their place: order, repetitions and users nobody asked for make no
   * difference. A user whose row cannot be read spoils nobody else's.
   *
   * @param draw Who is asked about, 1 to 50. Asked for at the last moment, when the call may go out, so that ids can gather
   *   while it waits; nobody means that no call is needed any more.
   * @returns By user id: the identities, or an error for this user alone. A user GenAuth does not know has no entry.
   *   Where a row is about a user nobody asked for, whoever has no row of their own gets an error instead.
   * @see genauth-wire.md, section 2.5
   */
  async getUserBatch(
    draw: () => readonly GenAuthId[],
    options: ReadOptions,
  ): Promise<Map<string, IdentityList | ManagementUnreachableError>> {
    const route = 'GET /api/v3/get-user-batch';
    const asked = new Set<string>();
    let isAboutOthers = false;
    const drawBatch = (): RequestOf<typeof route> | null => {
      const userIds = draw();
      if (userIds.length > MAX_BATCH) {
        throw new RangeError(`a batch holds at most ${MAX_BATCH} user ids, but got ${userIds.length}`);
      }
      for (const userId of userIds) asked.add(userId);
      return userIds.length === 0 ? null : { userIds, withIdentities: 'true' };
    };
    const answer = await this.#requests.request(route, drawBatch, readUsers, toOptions(options));
    if (answer === null) return new Map();
    const { data = null } = answer;
    if (data === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    const found = new Map<string, IdentityList | ManagementUnreachableError>();
    for (const { userId, identities } of data) {
      if (typeof userId !== 'string' || found.has(userId)) continue;
      if (!asked.has(userId)) {
        isAboutOthers = true;
        continue;
      }
      found.set(userId, identities ?? new ManagementUnreachableError(route, 'shape', 'maybe'));
    }
    // Whoever waited for it may be old by now (decision 0015).
    data.length = 0;
    // An answer about somebody else does not say that there is no such user.
    const missing = isAboutOthers ? [...asked].filter((userId) => !found.has(userId)) : [];
    for (const userId of missing) found.set(userId, new ManagementUnreachableError(route, 'mismatch', 'maybe'));
    return found;
  }

  /**
   * Reads one user, identities included.
   *
   * @returns null when GenAuth does not know the user.
   * @see genauth-wire.md, section 2.4
   */
  async getUser(userId: GenAuthId, options: ReadOptions): Promise<User | null> {
    const route = 'GET /api/v3/get-user';
    let answer: Answer<UserRow | null>;
    try {
      answer = await this.#request(route, { userId, withIdentities: 'true' }, readUser, toOptions(options));
    } catch (error) {
      if (error instanceof ManagementRefusedError && error.refusal === 'not_found') return null;
      throw error;
    }
    const { data = null } = answer;
    if (data === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    if (data.userId !== userId) throw new ManagementUnreachableError(route, 'mismatch', 'maybe');
    if (data.identities === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return {
      id: userId,
      email: textOrNull(data.email),
      phone: textOrNull(data.phone),
      username: textOrNull(data.username),
      passwordLastSetAt: textOrNull(data.passwordLastSetAt),
      emailVerified: data.emailVerified === true,
      phoneVerified: data.phoneVerified === true,
      identities: data.identities.toArray(),
    };
  }

  /** Ends every connection. Calls under way fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** @see genauth-wire.md, section 1b */
  async #getManagementToken(accessKey: AccessKey, deadline: Deadline): Promise<ManagementToken> {
    const route = 'POST /api/v3/get-management-token';
    // Field by field: what else the object holds is not GenAuth's.
    const { accessKeyId, accessKeySecret } = accessKey;
    const request = { accessKeyId, accessKeySecret };
    const { data } = await this.#requests.requestUnauthenticated(route, request, readValue, deadline);
    const { access_token: accessToken, expires_in: expiresIn } = isObject(data) ? data : {};
    if (typeof accessToken !== 'string' || !/^[!-~]{1,8192}$/.test(accessToken)) {
      throw new ManagementUnreachableError(route, 'shape', 'maybe');
    }
    if (typeof expiresIn !== 'number' || !(expiresIn > 0))
      throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return { accessToken, expiresIn };
  }

  #request<R extends Route, Data>(
    route: R,
    data: RequestOf<R>,
    readData: (json: JsonReader) => Data,
    options: RequestOptions,
  ): Promise<AttemptedAnswer<Data>> {
    return this.#requests.request(route, () => data, readData, options);
  }
}

function toOptions({ deadline, purpose }: ReadOptions): RequestOptions {
  const settling = purpose === 'settling';
  return { deadline, lane: settling ? 'writes' : 'reads', repeat: !settling };
}

function readValue(json: JsonReader): unknown {
  return json.value();
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
