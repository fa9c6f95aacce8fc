import type { RequestOf, Route } from './api';
import { type Authentication, signatureAuthentication } from './authentication';
import { type Answer, judge } from './envelope';
import { ManagementRefusedError, ManagementUnreachableError } from './errors';
import { createIdParser, type GenAuthId, type IdentityType, type IdParser } from './ids';
import { type Identity, isObject, readIdentities } from './identity';
import { type ManagementToken, tokenAuthentication } from './managementToken';
import type { AccessKey, Brand } from './signature';
import { createTransport, type Exchange, type Transport, TransportError, type WireRequest } from './transport';

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
  /** Simultaneous connections at most. */
  maxConcurrency: number;
}

/** A user, as far as this subgraph looks at one. */
export interface User {
  id: string;
  email: string | null;
  phone: string | null;
  username: string | null;
  /** When the password was last set; null for a user who never had one. */
  passwordLastSetAt: string | null;
  identities: readonly Identity[];
}

/** GenAuth's word that an unlink was executed. */
export interface Acknowledgement {
  apiCode: number | null;
  requestId: string | null;
}

/** `get-user-batch` takes this many ids at most. */
export const MAX_BATCH = 50;

/**
 * GenAuth's V3 management API, as far as this subgraph needs it: a few operations with constant routes, so that the
 * access key, which may do anything, can be made to do nothing else from here.
 *
 * Every method takes a signal that ends it, waiting included, and throws `ManagementRefusedError` where GenAuth said no
 * and `ManagementUnreachableError` where no usable answer came.
 */
export class ManagementClient {
  /** Checks an id before it can be used in any of the methods. */
  readonly parseId: IdParser;
  readonly #transport: Transport;
  readonly #authentication: Authentication;
  readonly #readTimeoutMs: number;
  readonly #writeTimeoutMs: number;

  constructor(options: ManagementClientOptions) {
    const { accessKey, brand, lang, userPoolId } = options;
    this.parseId = createIdParser(options.idPattern);
    this.#transport = createTransport({
      origin: options.origin,
      connectTimeoutMs: options.connectTimeoutMs,
      maxConnections: options.maxConcurrency,
    });
    this.#readTimeoutMs = options.readTimeoutMs;
    this.#writeTimeoutMs = options.writeTimeoutMs;
    this.#authentication =
      options.authentication === 'signature'
        ? signatureAuthentication({ key: accessKey, brand, lang })
        : tokenAuthentication({
            fetchToken: (signal) => this.#getManagementToken(accessKey, signal),
            userPoolId,
            lang,
          });
  }

  /**
   * Unbinds every identity that a user holds under one identity source. Afterwards the user can no longer sign in through
   * that source until it is linked again.
   *
   * Sent once: the API takes no idempotency key, so a lost answer is settled by reading, never by sending again. Only a
   * request whose credentials GenAuth refused, which it does before it executes anything, is sent a second time.
   *
   * @param request.type Default: left to GenAuth. The identity's `type`, as GenAuth reports it.
   * @throws {ManagementRefusedError} GenAuth answered no, for example the user does not exist.
   * @throws {ManagementUnreachableError} No usable answer in time; `sent` says whether it may have been executed.
   * @see genauth-wire.md, section 2.1
   */
  async unlinkIdentity(
    request: { userId: GenAuthId; extIdpId: GenAuthId; type?: IdentityType },
    signal: AbortSignal,
  ): Promise<Acknowledgement> {
    const route = 'POST /api/v3/unlink-identity';
    const { data, apiCode, requestId } = await this.#request(route, { ...request }, signal);
    const success = isObject(data) ? data['success'] : undefined;
    if (success === true) return { apiCode, requestId };
    if (success === false) {
      throw new ManagementRefusedError(route, { refusal: 'rejected', statusCode: 200, apiCode, requestId });
    }
    throw new ManagementUnreachableError(route, 'shape', 'maybe');
  }

  /**
   * Reads what a user is linked to at this moment: the read that settles a lost answer.
   *
   * @see genauth-wire.md, section 2.3
   */
  async getUserIdentities(userId: GenAuthId, signal: AbortSignal): Promise<readonly Identity[]> {
    const route = 'GET /api/v3/get-user-identities';
    const { data } = await this.#request(route, { userId }, signal);
    const identities = readIdentities(data);
    if (identities === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return identities;
  }

  /**
   * Reads the identities of up to 50 users with one call.
   *
   * Rows are told apart by their own `userId`, never by their place: order, repetitions and users nobody asked for make no
   * difference. A user whose row cannot be read spoils nobody else's.
   *
   * @returns By user id: the identities, or an error for this user alone. A user GenAuth does not know has no entry.
   * @see genauth-wire.md, section 2.5
   */
  async getUserBatch(
    userIds: readonly GenAuthId[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly Identity[] | ManagementUnreachableError>> {
    if (userIds.length < 1 || userIds.length > MAX_BATCH) {
      throw new RangeError(`a batch holds 1 to ${MAX_BATCH} user ids, but got ${userIds.length}`);
    }
    const route = 'GET /api/v3/get-user-batch';
    const { data } = await this.#request(route, { userIds, withIdentities: 'true' }, signal);
    if (!Array.isArray(data)) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    const asked = new Set<unknown>(userIds);
    const found = new Map<string, readonly Identity[] | ManagementUnreachableError>();
    for (const row of data as unknown[]) {
      // An unknown user may be missing or null, depending on the installation; both mean the same.
      if (!isObject(row)) continue;
      const { userId, identities } = row;
      if (typeof userId !== 'string' || !asked.has(userId) || found.has(userId)) continue;
      // A user without identities has an empty list, or none at all.
      found.set(userId, readIdentities(identities ?? []) ?? new ManagementUnreachableError(route, 'shape', 'maybe'));
    }
    return found;
  }

  /**
   * Reads one user, identities included.
   *
   * @returns null when GenAuth does not know the user.
   * @see genauth-wire.md, section 2.4
   */
  async getUser(userId: GenAuthId, signal: AbortSignal): Promise<User | null> {
    const route = 'GET /api/v3/get-user';
    let answer: Answer;
    try {
      answer = await this.#request(route, { userId, withIdentities: 'true' }, signal);
    } catch (error) {
      if (error instanceof ManagementRefusedError && error.refusal === 'not_found') return null;
      throw error;
    }
    const { data } = answer;
    if (!isObject(data)) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    if (data['userId'] !== userId) throw new ManagementUnreachableError(route, 'mismatch', 'maybe');
    const identities = readIdentities(data['identities'] ?? []);
    if (identities === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return {
      id: userId,
      email: textOrNull(data['email']),
      phone: textOrNull(data['phone']),
      username: textOrNull(data['username']),
      passwordLastSetAt: textOrNull(data['passwordLastSetAt']),
      identities,
    };
  }

  /** Ends every connection. Calls under way fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** @see genauth-wire.md, section 1b */
  async #getManagementToken(accessKey: AccessKey, signal: AbortSignal): Promise<ManagementToken> {
    const route = 'POST /api/v3/get-management-token';
    const { data } = judge(route, await this.#send(route, { ...accessKey }, {}, signal));
    const { access_token: accessToken, expires_in: expiresIn } = isObject(data) ? data : {};
    if (typeof accessToken !== 'string' || !/^[!-~]{1,8192}$/.test(accessToken)) {
      throw new ManagementUnreachableError(route, 'shape', 'maybe');
    }
    if (typeof expiresIn !== 'number' || !(expiresIn > 0))
      throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return { accessToken, expiresIn };
  }

  async #request<R extends Route>(route: R, data: RequestOf<R>, signal: AbortSignal): Promise<Answer> {
    const first = await this.#credentials(route, data, signal);
    try {
      return judge(route, await this.#send(route, data, first, signal));
    } catch (error) {
      const refused = error instanceof ManagementRefusedError && error.refusal === 'credentials';
      if (!refused || !this.#authentication.renew(first)) throw error;
    }
    const second = await this.#credentials(route, data, signal);
    return judge(route, await this.#send(route, data, second, signal));
  }

  /** Whatever fails here, the operation itself was not sent. */
  async #credentials<R extends Route>(
    route: R,
    data: RequestOf<R>,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const [method, path] = split(route);
    try {
      return await this.#authentication.headers({ method, path, data }, signal);
    } catch (cause) {
      if (cause instanceof ManagementRefusedError) throw cause;
      const reason = cause instanceof ManagementUnreachableError ? cause.reason : 'deadline';
      throw new ManagementUnreachableError(route, reason, 'no', { cause });
    }
  }

  async #send<R extends Route>(
    route: R,
    data: RequestOf<R>,
    credentials: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const [method, path] = split(route);
    const request: WireRequest =
      method === 'GET'
        ? { method, path: `${path}?${encodeQuery(data)}`, headers: { ...credentials, ...ACCEPT }, body: null }
        : { method, path, headers: { ...credentials, ...ACCEPT, ...JSON_BODY }, body: JSON.stringify(data) };
    const timeoutMs = route === 'POST /api/v3/unlink-identity' ? this.#writeTimeoutMs : this.#readTimeoutMs;
    try {
      return await this.#transport.exchange(request, { timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new ManagementUnreachableError(route, error.reason, error.sent, { cause: error });
    }
  }
}

// Identity encoding, because a cap on the bytes that arrive is no cap on what they inflate to.
const ACCEPT = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'genauth-identity-subgraph' };
const JSON_BODY = { 'content-type': 'application/json' };

function split(route: Route): ['GET' | 'POST', string] {
  const [method, path] = route.split(' ') as ['GET' | 'POST', string];
  return [method, path];
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

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
