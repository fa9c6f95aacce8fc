import { createAuditLog } from './audit';
import { createAuthenticator, createPolicy } from './callers';
import type { Config } from './config';
import { ManagementClient } from './genauth';
import { createContext, createGraphQLServer } from './graphql';
import { startAdmin } from './http/admin';
import type { IdeWindow } from './http/ide';
import { type Listener, startListener } from './http/listener';
import { Shutdown } from './http/shutdown';
import {
  AuditedWrites,
  BatchedReads,
  type BatchedReadsOptions,
  Links,
  Sessions,
  SignInMethods,
  Turns,
  UnlinkRules,
  Unlinks,
} from './identities';
import { type Log, logRequest } from './log';
import { createMetrics, type ProcessMetrics } from './metrics';
import { Stdout } from './stdout';
import { createSharedRateLimit, type SharedRateLimit } from './sharing';
import type { Tracing } from './tracing';

export interface Subgraph {
  /** The origin of the GraphQL listener. */
  url: string;
  /** The origin of the listener for probes and metrics. */
  adminUrl: string;
  /**
   * Shuts down gracefully: continues to serve until load balancers have noticed, then finishes the requests in progress and
   * flushes records and spans.
   *
   * @returns Whether all requests in progress were finished in time.
   */
  shutDown(): Promise<boolean>;
  /** Shuts down without the delay for load balancers and without a time limit. */
  close(): Promise<void>;
}

export interface SubgraphOptions {
  log: Log;
  version: string;
  /** The operations that the IDE at `/` opens with, if introspection is on. */
  ide: readonly IdeWindow[];
  /** Default: none. It is closed with the subgraph. */
  tracing?: Tracing | null;
  /** Default: none. Node's own metrics, from `collectProcessMetrics`. */
  processMetrics?: ProcessMetrics;
  /** Default: a new one. It takes the audit trail if the configuration says so. */
  stdout?: Stdout;
}

/**
 * How long a read of a write waits for those of other writes in progress: for each of them, and at most. Sixty concurrent
 * unlinks then cost a handful of reads, also where GenAuth responds at once. With few of them, GenAuth's rate limit leaves
 * room for separate reads.
 */
const GATHER_PER_WRITE_MS = 4;
const MAX_GATHER_WRITES_MS = 40;

/** Creates all parts of the subgraph, connects them, and starts the two listeners. */
export async function startSubgraph(
  config: Config,
  { log, version, ide, tracing, processMetrics, stdout = new Stdout() }: SubgraphOptions,
): Promise<Subgraph> {
  const metrics = createMetrics(version, processMetrics);
  const onUnexpectedError = (err: unknown): void => log.error({ err }, 'unexpected error');
  const authenticator = createAuthenticator({
    ...config.callers,
    onKeysFailure: ({ reason, document, status, code }) => {
      metrics.onKeysFailure();
      log.warn({ reason, document, status, code }, 'the keys of the token issuer could not be fetched');
    },
  });
  const policy = createPolicy(config.policy);
  const audit = await createAuditLog(config.auditLog === 'stdout' ? stdout : config.auditLog, (err) => {
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
    onUnusableColumn: ({ column, users }) => {
      metrics.onUnusableColumn({ column, users });
      log.warn({ column, users }, 'the identities of users cannot be used');
    },
  });
  const { requestDeadlineMs } = config;
  const readOptions: BatchedReadsOptions = {
    management,
    callTimeoutMs: requestDeadlineMs,
    onBatch: (batch) => {
      metrics.onBatch(batch.users);
      tracing?.onBatch(batch);
    },
  };
  const batchedReads = new BatchedReads(readOptions);
  const turns = new Turns();
  const readsOfWrites = new BatchedReads({
    ...readOptions,
    purpose: 'write',
    expectMoreMs: () => Math.min(MAX_GATHER_WRITES_MS, GATHER_PER_WRITE_MS * Math.max(0, turns.running - 1)),
  });
  const signInMethods = new SignInMethods({
    management,
    appIds: config.appIds,
    callTimeoutMs: requestDeadlineMs,
  });
  const rules = new UnlinkRules({ policy, guard: config.lastIdentityGuard, parseId: management.parseId });
  const writes = new AuditedWrites({ audit, onOutcome: metrics.onOutcome });
  const writeOptions = { management, reads: readsOfWrites, policy, rules, turns, writes };
  const unlinks = new Unlinks({ ...writeOptions, signInMethods });
  const links = new Links(writeOptions);
  const sessions = new Sessions(writeOptions);
  const graphql = createGraphQLServer({
    introspection: config.introspection,
    maxMutationFields: config.maxMutationFields,
    executor: config.executor,
    onUnexpectedError,
    // Timings and paths of errors are only for a router that has authenticated itself.
    inlineTrace: config.callers.mode === 'strict' || config.callers.mode === 'router',
    onRequest: (report, { deadline }) => {
      metrics.onRequest(report);
      logRequest(log, report);
      tracing?.onRequest(report, deadline);
    },
  });
  await Promise.all([graphql.start(), authenticator.start()]);

  const closeRest = async (): Promise<void> => {
    await graphql.stop();
    await Promise.all([audit.close(), authenticator.close(), management.close(), rateLimit?.close(), admin.close()]);
    // Last, because closing the other parts still creates spans.
    await tracing?.close();
  };
  const shutdown = new Shutdown({
    drainDelayMs: config.drainDelayMs,
    drainTimeoutMs: config.drainTimeoutMs,
    closeListener: () => listener.close(),
    abandon: () => writes.abandon(),
    closeRest,
  });
  const contextOptions = {
    management,
    batchedReads,
    signInMethods,
    rules,
    unlinks,
    links,
    sessions,
    policy,
    requestDeadlineMs,
  };
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
    keepAliveMs: config.keepAliveMs,
    onConnectionDropped: metrics.onConnectionDropped,
    shutdown,
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
    waitingUsers: batchedReads.waiting + readsOfWrites.waiting,
    auditFailing: audit.failing,
    inFlight: listener.inFlight(),
    droppedLogLines: stdout.droppedLines,
    draining: shutdown.draining,
  }));
  if (rateLimit !== null) metrics.watchSharing(() => rateLimit.gauges);
  return {
    url: listener.url,
    adminUrl: admin.url,
    shutDown: () => shutdown.begin(),
    async close() {
      await listener.close();
      await closeRest();
    },
  };
}

/** Returns the rate limit that all replicas with the same user pool share, or null if it is not configured. */
async function shareRate({ valkeyUrl, management }: Config, log: Log): Promise<SharedRateLimit | null> {
  if (valkeyUrl === null) return null;
  const { origin, userPoolId, accessKey, maxQps } = management;
  return createSharedRateLimit({
    url: valkeyUrl,
    pool: `${origin} ${userPoolId ?? accessKey.accessKeyId}`,
    perSecond: maxQps,
    onChange: ({ shared, replicas, reason }) => {
      if (shared) log.info({ replicas }, 'the rate of calls is shared');
      else log.warn({ reason, replicas }, 'the rate of calls is not shared: this replica uses a fixed share of it');
    },
  });
}
