import type { Deadline } from '../deadline';
import { isObject, type JsonReader } from '../json';
import { type Acknowledgement, sendWrite } from './acknowledgement';
import type { Turn } from './admission';
import { SignatureAuthentication } from './authentication';
import { type BatchOptions, MAX_BATCH, type ReadOptions, type WriteOptions } from './callOptions';
import { BATCH_ROUTE } from './api';
import { ManagementUnreachableError } from './errors';
import { type AccountId, createIdParser, type GenAuthId, type IdentityType, type IdParser } from './ids';
import { type ManagementToken, tokenAuthentication } from './managementToken';
import { findOwners, type SourceAccount, toAccountName } from './owners';
import { type CallReport, type Protection, type RequestOptions, Requests } from './requests';
import type { AccessKey, Brand } from './signature';
import { type ApplicationSignIn, type IdentitySource, readAppIds, readApplicationSignIn, readSources } from './sources';
import { createTokenBucket, type RateLimit } from './tokenBucket';
import { fetchManagementToken } from './tokenRequest';
import { createTransport, type Transport } from './transport';
import { matchUsers, MAX_USER_BYTES } from './userMatching';
import { readUsers, type UnusableColumnReport, unusableColumns, type UserRecord } from './userRecord';

export interface ManagementClientOptions {
  /** Origin of the management API, such as `https://api.genauth.ai`. */
  origin: string;
  accessKey: AccessKey;
  /** `signature`: an HMAC on each request. `token`: a management token, which is fetched with the access key and renewed. */
  authentication: 'signature' | 'token';
  brand: Brand;
  /** Language of GenAuth's messages. This client ignores them; it matters only in GenAuth's logs. */
  lang: string;
  /** User pool, in token mode. Null: the pool that the token names. */
  userPoolId: string | null;
  /** Regular expression for user ids and identity source ids, matched against the whole id. */
  idPattern: string;
  connectTimeoutMs: number;
  /** Milliseconds for one attempt of a GET. */
  readTimeoutMs: number;
  /** Milliseconds for one attempt of a POST: a write, or `check-session-status`. */
  writeTimeoutMs: number;
  /** Maximum number of concurrent calls; an eighth of them is kept for writes. */
  maxConcurrency: number;
  /** Maximum number of calls per second. */
  maxQps: number;
  /** Default: a token bucket of `maxQps` for this client alone. */
  rateLimit?: RateLimit;
  /** Default: none. Called after every attempt of every call. */
  onCall?: (report: CallReport) => void;
  /** Default: none. Called once for each column of a response that makes the identities of users unusable. */
  onUnusableColumn?: (report: UnusableColumnReport) => void;
}

/** State of a client, for metrics. */
export interface ManagementGauges extends Protection {
  /** Milliseconds by which GenAuth's clock is ahead; 0 until GenAuth refused a signature because of its date. */
  clockOffsetMs: number;
}

/**
 * A client of GenAuth's V3 management API, for the operations that this subgraph needs. Their routes are constants: the
 * access key permits everything, and no argument can turn one operation into another.
 *
 * Every operation takes a deadline that ends it, waiting included. It throws `ManagementRefusedError` where GenAuth refused,
 * and `ManagementUnreachableError` where no usable response came.
 */
export class ManagementClient {
  /** Checks an id before it can be used in any of the methods. */
  readonly parseId: IdParser;
  readonly #transport: Transport;
  readonly #requests: Requests;
  readonly #signature: SignatureAuthentication | null;
  readonly #onUnusableColumn: (report: UnusableColumnReport) => void;

  constructor(options: ManagementClientOptions) {
    const { accessKey, brand, lang, userPoolId } = options;
    this.parseId = createIdParser(options.idPattern);
    this.#onUnusableColumn = options.onUnusableColumn ?? (() => undefined);
    this.#transport = createTransport({
      origin: options.origin,
      connectTimeoutMs: options.connectTimeoutMs,
      // One more for the request of a management token, which all other requests may be waiting for.
      maxConnections: options.maxConcurrency + 1,
    });
    this.#signature =
      options.authentication === 'signature' ? new SignatureAuthentication({ key: accessKey, brand, lang }) : null;
    const fetchToken = (deadline: Deadline): Promise<ManagementToken> =>
      fetchManagementToken(this.#requests, accessKey, deadline);
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
   * Sent once: a lost response is settled by reading, never by sending again, although the request has an idempotency key.
   * There is a second attempt only if nothing of the first can have arrived, or if GenAuth refused its credentials, which it
   * does before it executes anything.
   *
   * @param request.type Default: left to GenAuth. The identity's `type`, as GenAuth reports it.
   * @throws {ManagementRefusedError} GenAuth refused, for example because the user does not exist.
   * @throws {ManagementUnreachableError} No usable response in time; `sent` says whether it may have been executed.
   * @see docs/genauth-api.md#unlink-identity
   */
  async unlinkIdentity(
    request: { userId: GenAuthId; extIdpId: GenAuthId; type?: IdentityType },
    options: WriteOptions,
  ): Promise<Acknowledgement> {
    const { userId, extIdpId, type } = request;
    const fields = type === undefined ? { userId, extIdpId } : { userId, extIdpId, type };
    return sendWrite(this.#requests, 'POST /api/v3/unlink-identity', fields, options);
  }

  /**
   * Links a user to an account at an identity source. Afterwards the owner of the account can sign in as the user.
   *
   * Sent once, and with the same errors as `unlinkIdentity`.
   *
   * @param request.type The `type` of the new identity.
   * @see docs/genauth-api.md#link-identity
   */
  async linkIdentity(
    request: { userId: GenAuthId; extIdpId: GenAuthId; userIdInIdp: AccountId; type: IdentityType },
    options: WriteOptions,
  ): Promise<Acknowledgement> {
    const { userId, extIdpId, userIdInIdp, type } = request;
    return sendWrite(this.#requests, 'POST /api/v3/link-identity', { userId, extIdpId, userIdInIdp, type }, options);
  }

  /**
   * Signs a user out of applications.
   *
   * Sent once, and with the same errors as `unlinkIdentity`.
   *
   * @param request.appIds 1 to 50.
   * @see docs/genauth-api.md#sessions
   */
  async kickUser(
    request: { userId: GenAuthId; appIds: readonly string[] },
    options: WriteOptions,
  ): Promise<Acknowledgement> {
    const { userId, appIds } = request;
    return sendWrite(this.#requests, 'POST /api/v3/kick-users', { userId, appIds }, options);
  }

  /**
   * Lists the applications that a user is signed in to.
   *
   * @see docs/genauth-api.md#sessions
   */
  async listLoggedInApps(userId: GenAuthId, deadline: Deadline): Promise<string[]> {
    const route = 'GET /api/v3/get-user-loggedin-apps';
    const options = toOptions({ deadline, purpose: 'write' });
    const { data } = await this.#requests.request(route, { userId }, readValue, options);
    const appIds = readAppIds(data);
    if (appIds === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return appIds;
  }

  /**
   * Whether a user is signed in to an application.
   *
   * @see docs/genauth-api.md#sessions
   */
  async isSignedIn(userId: GenAuthId, appId: string, deadline: Deadline): Promise<boolean> {
    const route = 'POST /api/v3/check-session-status';
    const options = toOptions({ deadline, purpose: 'write' });
    const { data } = await this.#requests.request(route, { userId, appId }, readValue, options);
    const active = isObject(data) ? data['active'] : undefined;
    if (typeof active !== 'boolean') throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return active;
  }

  /**
   * Waits until a `getUserBatch` may be sent. User ids can be gathered meanwhile.
   *
   * @returns A turn, which has to be released, whether or not it was used.
   * @throws {ManagementUnreachableError} There is no turn: the call must not be sent.
   */
  awaitBatchTurn(options: ReadOptions): Promise<Turn> {
    return this.#requests.awaitTurn(BATCH_ROUTE, toOptions(options));
  }

  /**
   * Reads the identities of up to 50 users with one call.
   *
   * Rows are matched by their own `userId`, never by position: order, repetitions and rows of other users make no
   * difference. A row that cannot be read affects only its own user.
   *
   * The response may have 16 MiB. Profiles are left out of a user with more than 4 MiB.
   *
   * @param userIds 1 to 50.
   * @returns By user id: the user, or an error for this user alone. A user that GenAuth does not know has no entry. If the
   *   response has a row of a user that was not requested, every user without a row gets an error instead.
   * @see docs/genauth-api.md#get-user-batch
   */
  async getUserBatch(
    userIds: readonly GenAuthId[],
    { turn, profiles = true, retry = true, ...options }: BatchOptions,
  ): Promise<Map<string, UserRecord | ManagementUnreachableError>> {
    if (userIds.length > MAX_BATCH) {
      throw new RangeError(`a batch holds at most ${MAX_BATCH} user ids, but got ${userIds.length}`);
    }
    const request = { userIds, withIdentities: 'true' } as const;
    let responseBytes = 0;
    const read = (json: JsonReader): UserRecord[] | null => {
      responseBytes = json.bytes.length;
      return readUsers(json);
    };
    const { data = null } = await this.#requests.request(BATCH_ROUTE, request, read, {
      ...toOptions(options),
      // A batch that fails because of its content is not sent again: `IsolatedReads` retries its parts.
      retry: retry && (userIds.length === 1 || 'unlessContent'),
      maxBytes: MAX_BATCH_BYTES,
      turn,
    });
    if (data === null) throw new ManagementUnreachableError(BATCH_ROUTE, 'shape', 'maybe');
    const found = matchUsers(userIds, data, { profiles, responseBytes });
    for (const report of unusableColumns(data)) this.#onUnusableColumn(report);
    return found;
  }

  /**
   * Finds the owners of up to 50 accounts with one call. @see findOwners
   *
   * @param accounts 1 to 50.
   * @see docs/genauth-api.md#get-user-batch
   */
  async getOwners(
    accounts: readonly SourceAccount[],
    deadline: Deadline,
  ): Promise<(UserRecord | null | ManagementUnreachableError)[]> {
    if (accounts.length > MAX_BATCH) {
      throw new RangeError(`a batch holds at most ${MAX_BATCH} accounts, but got ${accounts.length}`);
    }
    const request = { userIds: accounts.map(toAccountName), userIdType: 'identity', withIdentities: 'true' } as const;
    const { data = null } = await this.#requests.request(BATCH_ROUTE, request, readUsers, {
      ...toOptions({ deadline }),
      retry: accounts.length === 1 || 'unlessContent',
      maxBytes: MAX_BATCH_BYTES,
    });
    if (data === null) throw new ManagementUnreachableError(BATCH_ROUTE, 'shape', 'maybe');
    for (const report of unusableColumns(data)) this.#onUnusableColumn(report);
    const users = data.map((user) => (user.byteLength > MAX_USER_BYTES ? user.copyWithoutProfiles() : user));
    return findOwners(accounts, users);
  }

  /**
   * Lists the identity sources of the user pool.
   *
   * @see docs/genauth-api.md#list-ext-idp
   */
  async listSources(deadline: Deadline): Promise<IdentitySource[]> {
    const route = 'GET /api/v3/list-ext-idp';
    const { data } = await this.#requests.request(route, {}, readValue, toOptions({ deadline }));
    const sources = readSources(data);
    if (sources === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return sources;
  }

  /**
   * Reads the ways to sign in that an application enables.
   *
   * @see docs/genauth-api.md#get-application
   */
  async getApplicationSignIn(appId: string, deadline: Deadline): Promise<ApplicationSignIn> {
    const route = 'GET /api/v3/get-application';
    const { data } = await this.#requests.request(route, { appId }, readValue, toOptions({ deadline }));
    const application = readApplicationSignIn(data);
    if (application === null) throw new ManagementUnreachableError(route, 'shape', 'maybe');
    return application;
  }

  /** Closes every connection. Calls in progress fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

/** Maximum response for a batch, whatever the number of its users. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

function toOptions({ deadline, purpose }: ReadOptions): RequestOptions {
  return { deadline, lane: purpose === 'write' ? 'writes' : 'reads', retry: true };
}

function readValue(json: JsonReader): unknown {
  return json.value();
}
