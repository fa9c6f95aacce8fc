import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type * as trail from '../../src/audit';
import type * as callers from '../../src/callers';
import type * as configuration from '../../src/config';
import type * as logging from '../../src/log';
import type * as output from '../../src/stdout';
import type { IdentityRow, UserRow } from '../users';
import type { GenAuth } from './genauth';
import { canSignInWithout } from './signIn';

interface Unlink {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

/** An unlink, as reads before and after it show it. */
export interface VerifiedUnlink {
  success: boolean;
  requestId: string | null;
  apiCode: number | null;
  operationId: string;
  removed: IdentityRow[];
  user: UserRow;
}

/** The product's own authentication, policy, audit trail and log, for a contender. */
export interface Guard {
  authenticate(request: IncomingMessage): callers.Caller | Promise<callers.Caller>;
  /** @throws {Error} The caller may not read one of the users. */
  checkReads(caller: callers.Caller, userIds: readonly string[]): void;
  mayUnlink(caller: callers.Caller, userId: string): boolean;
  /**
   * Unlinks a user as one would by hand, and shares no call with other requests. The order is that of the product:
   * permission, read before, last way to sign in, intent, unlink, read after, outcome.
   */
  unlink(caller: callers.Caller, unlink: Unlink, genauth: GenAuth): Promise<VerifiedUnlink>;
  /** Writes the log line of a successful request. */
  log(operation: 'entities' | 'unlink', ms: number): void;
}

/** The compiled product, with its own packages. Contenders run in the root of the project. */
const PRODUCT = join(process.cwd(), 'dist');
const { createAuthenticator, createPolicy, ForbiddenError, isSelf } = require(
  join(PRODUCT, 'callers'),
) as typeof callers;
const { readConfig } = require(join(PRODUCT, 'config')) as typeof configuration;
const { createAuditLog, createOperationId } = require(join(PRODUCT, 'audit')) as typeof trail;
const { Stdout } = require(join(PRODUCT, 'stdout')) as typeof output;
const { createLog, logRequest } = require(join(PRODUCT, 'log')) as typeof logging;

function giveUp(error: Error): never {
  throw error;
}

/** Creates a guard from the product's environment variables. */
export async function createGuard(): Promise<Guard> {
  const config = readConfig(process.env, (path) => readFileSync(path, 'utf8'));
  const authenticator = createAuthenticator({ ...config.callers, onKeysFailure: giveUp });
  await authenticator.start();
  const policy = createPolicy(config.policy);
  const stdout = new Stdout();
  const audit = await createAuditLog(config.auditLog === 'stdout' ? stdout : config.auditLog);
  const log = createLog(config.logLevel, stdout);
  return {
    authenticate({ headers }) {
      // The product also rejects duplicate headers, which needs the raw headers.
      const { 'router-authorization': routerAuthorization = '', authorization = '' } = headers;
      return authenticator.authenticate({
        routerAuthorization: [String(routerAuthorization)],
        authorization: [authorization],
      });
    },
    checkReads(caller, userIds) {
      if (!userIds.every((userId) => policy.mayRead(caller, userId))) throw new ForbiddenError();
    },
    mayUnlink: (caller, userId) => policy.mayUnlink(caller, userId),
    async unlink(caller, { userId, extIdpId, type = null }, genauth) {
      if (!policy.mayUnlink(caller, userId)) throw new ForbiddenError();
      const before = await readUser(genauth, userId);
      if (isSelf(caller, userId)) {
        const sources = await genauth.listSources();
        if (before.status !== 'Activated' || !canSignInWithout(before, extIdpId, sources)) throw new ForbiddenError();
      }
      const intent: trail.WriteIntent = {
        kind: 'unlink',
        requestId: null,
        operationId: createOperationId(),
        actor: caller,
        target: { userId, extIdpId, type },
      };
      const startedAt = performance.now();
      await audit.intent(intent);
      const { statusCode, apiCode = null, requestId = null } = await genauth.unlinkIdentity({ userId, extIdpId, type });
      const user = await readUser(genauth, userId);
      const left = new Set(user.identities.map(({ identityId }) => identityId));
      const removed = before.identities.filter((row) => row.extIdpId === extIdpId && !left.has(row.identityId));
      void audit.outcome({
        ...intent,
        outcome: 'acked',
        upstream: { statusCode, apiCode, requestId, attempts: 1 },
        removed: removed.map(({ identityId, type: kind }) => ({ id: identityId, type: kind })),
        latencyMs: Math.round(performance.now() - startedAt),
      });
      const success = !user.identities.some((row) => row.extIdpId === extIdpId);
      return { success, requestId, apiCode, operationId: intent.operationId, removed, user };
    },
    log(operation, ms) {
      const requestId = randomUUID();
      logRequest(log, {
        requestId,
        traceId: null,
        operation,
        operationName: null,
        outcome: 'ok',
        codes: [],
        ms,
        calls: 1,
        operationId: null,
      });
    },
  };
}

async function readUser(genauth: GenAuth, userId: string): Promise<UserRow> {
  const [user] = await genauth.getUserBatch([userId]);
  if (user === undefined) throw new Error('GenAuth does not know the user');
  return user;
}
