import { createAuthenticator, createPolicy } from './callers';
import type { Config } from './config';
import { ManagementClient } from './genauth';
import { createContext, createGraphQLServer } from './graphql';
import { startAdmin } from './http/admin';
import type { IdeWindow } from './http/ide';
import { type Listener, startListener } from './http/listener';
import { Shutdown } from './http/shutdown';
import { createAuditLog, Directory, Unlinks } from './identities';
import { createRequestLog, type Log } from './log';
import { createMetrics } from './metrics';
import { createSharedRateLimit, type SharedRateLimit } from './sharing';
import type { Tracing } from './tracing';

export interface Subgraph {
  /** The origin of its GraphQL listener. */
  url: string;
  /** The origin of its listener for those who run it. */
  adminUrl: string;
  /**
   * Leaves without losing anything: goes on serving while balancers notice, answers the requests under way, and flushes.
   *
   * @returns Whether everything under way was answered in time.
   */
  leave(): Promise<boolean>;
  /** Leaves at once: answers the requests under way, and ends every connection. */
  close(): Promise<void>;
}

/**
 * Puts the rooms together and opens the doors: the one place that knows them all.
 *
 * @param ide What the IDE at `/` opens with, where introspection is on.
 * @param tracing Default: none. Closed with the rest.
 */
export async function startSubgraph(
  config: Config,
  { log, version, ide, tracing }: { log: Log; version: string; ide: readonly IdeWindow[]; tracing?: Tracing | null },
): Promise<Subgraph> {
  const metrics = createMetrics(version);
  const onUnexpectedError = (err: unknown): void => log.error({ err }, 'unexpected error');
  const authenticator = createAuthenticator({
    ...config.callers,
    onKeysFailure: ({ reason }) => {
      metrics.onKeysFailure();
      log.warn({ reason }, 'the keys of the token issuer could not be fetched');
    },
  });
  const policy = createPolicy(config.policy);
  const logRequest = createRequestLog(log);
  const audit = await createAuditLog(config.auditLog, (err) => {
    metrics.onAuditFailure();
    log.error({ err }, 'the audit trail cannot be written');
  });
  const rateLimit = await shareRate(config, log);
  const management = new ManagementClient({
    ...config.management,
    ...(rateLimit === null ? {} : { rateLimit }),
    onCall: (report) => {
      metrics.onCall(report);
      tracing?.onCall(report);
    },
  });
  const { requestDeadlineMs } = config;
  const directory = new Directory({
    management,
    callTimeoutMs: requestDeadlineMs,
    onBatch: (batch) => {
      metrics.onBatch(batch.users);
      tracing?.onBatch(batch);
    },
  });
  const unlinks = new Unlinks({
    management,
    policy,
    audit,
    guard: config.lastIdentityGuard,
    onOutcome: metrics.onUnlink,
  });
  const graphql = createGraphQLServer({
    introspection: config.introspection,
    maxMutationFields: config.maxMutationFields,
    executor: config.executor,
    onUnexpectedError,
    // Timings and places of errors are for the router alone.
    inlineTrace: config.callers.mode === 'strict' || config.callers.mode === 'router',
    onRequest: (report, { deadline }) => {
      metrics.onRequest(report);
      logRequest(report);
      tracing?.onRequest(report, deadline);
    },
  });
  await Promise.all([graphql.start(), authenticator.start()]);

  const closeRest = async (): Promise<void> => {
    await graphql.stop();
    await Promise.all([audit.close(), authenticator.close(), management.close(), rateLimit?.close(), admin.close()]);
    // Last, so that it has all there is to tell.
    await tracing?.close();
  };
  const shutdown = new Shutdown({
    drainDelayMs: config.drainDelayMs,
    drainTimeoutMs: config.drainTimeoutMs,
    closeListener: () => listener.close(),
    abandon: () => unlinks.abandon(),
    closeRest,
  });
  const contextOptions = { management, directory, unlinks, policy, requestDeadlineMs };
  const listener: Listener = await startListener({
    host: config.host,
    port: config.port,
    graphql,
    createContext: (arrival) => {
      const context = createContext(contextOptions, arrival);
      tracing?.onArrival(context.deadline, arrival);
      return context;
    },
    authenticator,
    loopbackNamesOnly: config.callers.mode === 'none',
    maxInFlight: config.maxInFlight,
    leaving: shutdown,
    ide: config.introspection ? ide : null,
    onUnexpectedError,
    onRejection: (report) => {
      metrics.onRejection(report.code);
      log.info(report, 'rejected');
    },
  });
  const admin = await startAdmin({
    ...config.admin,
    unreadiness: () => {
      if (shutdown.draining) return 'draining';
      if (!authenticator.ready()) return 'no keys of the token issuer';
      return listener.inFlight() >= config.maxInFlight ? 'overloaded' : null;
    },
    metrics: metrics.text,
  });
  metrics.watch(() => ({
    ...management.gauges,
    waitingUsers: directory.waiting,
    auditFailing: audit.failing,
    inFlight: listener.inFlight(),
    draining: shutdown.draining,
  }));
  if (rateLimit !== null) metrics.watchSharing(() => rateLimit.gauges);
  return {
    url: listener.url,
    adminUrl: admin.url,
    leave: () => shutdown.leave(),
    async close() {
      await listener.close();
      await closeRest();
    },
  };
}

/** The rate of calls that all replicas of a user pool share; null where it is not to be shared. */
async function shareRate({ valkeyUrl, management }: Config, log: Log): Promise<SharedRateLimit | null> {
  if (valkeyUrl === null) return null;
  const { origin, userPoolId, accessKey, maxQps } = management;
  return createSharedRateLimit({
    url: valkeyUrl,
    pool: `${origin} ${userPoolId ?? accessKey.accessKeyId}`,
    perSecond: maxQps,
    onChange: ({ shared, replicas, reason }) => {
      if (shared) log.info({ replicas }, 'the rate of calls is shared');
      else
        log.warn({ reason, replicas }, 'the rate of calls is not shared: this replica goes on with a share of its own');
    },
  });
}
