import type { Config } from './config';
import { createAuthenticator, createPolicy } from './callers';
import { ManagementClient } from './genauth';
import { createContext } from './graphql/context';
import { createGraphQLServer } from './graphql/server';
import { type IdeWindow } from './http/ide';
import { startListener } from './http/listener';
import { createAuditLog, Directory, Unlinks } from './identities';
import type { Log } from './log';

export interface Subgraph {
  /** The origin of its GraphQL listener. */
  url: string;
  /** Answers the requests under way, then ends every connection. */
  close(): Promise<void>;
}

/**
 * Puts the rooms together and opens the door: the one place that knows them all.
 *
 * @param ide What the IDE at `/` opens with, where introspection is on.
 */
export async function startSubgraph(config: Config, log: Log, ide: readonly IdeWindow[]): Promise<Subgraph> {
  const onUnexpectedError = (err: unknown): void => log.error({ err }, 'unexpected error');
  const authenticator = createAuthenticator({
    ...config.callers,
    onKeysFailure: ({ reason }) => log.warn({ reason }, 'the keys of the token issuer could not be fetched'),
  });
  const policy = createPolicy(config.policy);
  const audit = await createAuditLog(config.auditLog, (err) => log.error({ err }, 'the audit trail cannot be written'));
  const management = new ManagementClient(config.management);
  const directory = new Directory({ management, callTimeoutMs: config.requestDeadlineMs });
  const unlinks = new Unlinks({ management, policy, audit, guard: config.lastIdentityGuard });
  const { introspection, maxMutationFields, maxInFlight, requestDeadlineMs } = config;
  const graphql = createGraphQLServer({ introspection, maxMutationFields, onUnexpectedError });
  await Promise.all([graphql.start(), authenticator.start()]);
  const listener = await startListener({
    host: config.host,
    port: config.port,
    graphql,
    createContext: (caller) => createContext({ management, directory, unlinks, policy, requestDeadlineMs }, caller),
    authenticator,
    maxInFlight,
    ide: introspection ? ide : null,
    onUnexpectedError,
    onUnauthenticated: (reason) => log.info({ reason }, 'a caller was refused'),
  });
  return {
    url: listener.url,
    async close() {
      await listener.close();
      await graphql.stop();
      await Promise.all([audit.close(), authenticator.close(), management.close()]);
    },
  };
}
