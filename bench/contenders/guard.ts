import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type * as trail from '../../src/audit';
import type * as callers from '../../src/callers';
import type * as configuration from '../../src/config';
import type * as logging from '../../src/log';
import type * as output from '../../src/stdout';
import type { Envelope } from './genauth';

interface Unlink {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

/** The product's own authentication, policy, audit trail and log, for a contender. */
export interface Guard {
  authenticate(request: IncomingMessage): callers.Caller | Promise<callers.Caller>;
  /** Checks the policy and sends an unlink, between its two audit records. */
  unlink<Answer extends Envelope<{ success: boolean }>>(
    caller: callers.Caller,
    unlink: Unlink,
    send: () => Promise<Answer>,
  ): Promise<Answer>;
  /** Writes the log line of a successful request. */
  log(operation: 'entities' | 'unlink', ms: number): void;
}

/** The compiled product, with its own packages. Contenders run in the root of the project. */
const PRODUCT = join(process.cwd(), 'dist');
const { createAuthenticator, createPolicy, ForbiddenError } = require(join(PRODUCT, 'callers')) as typeof callers;
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
    async unlink(caller, { userId, extIdpId, type = null }, send) {
      if (!policy.mayUnlink(caller, userId)) throw new ForbiddenError();
      const intent: trail.WriteIntent = {
        kind: 'unlink',
        requestId: null,
        operationId: createOperationId(),
        actor: caller,
        target: { userId, extIdpId, type },
      };
      const startedAt = performance.now();
      await audit.intent(intent);
      const envelope = await send();
      const { statusCode, apiCode = null, requestId = null } = envelope;
      const upstream = { statusCode, apiCode, requestId, attempts: 1 };
      const latencyMs = Math.round(performance.now() - startedAt);
      void audit.outcome({ ...intent, outcome: 'acked', upstream, removed: null, latencyMs });
      return envelope;
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
