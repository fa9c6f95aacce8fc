import type { Config } from './config';
import { ManagementClient } from './genauth';
import { createContext } from './graphql/context';
import { createGraphQLServer } from './graphql/server';
import { type IdeWindow } from './http/ide';
import { startListener } from './http/listener';
import { Directory, Unlinks } from './identities';
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
  const management = new ManagementClient(config.management);
  const directory = new Directory({ management, callTimeoutMs: config.requestDeadlineMs });
  const unlinks = new Unlinks(management);
  const graphql = createGraphQLServer({ introspection: config.introspection, onUnexpectedError });
  await graphql.start();
  const listener = await startListener({
    host: config.host,
    port: config.port,
    graphql,
    createContext: () => createContext({ management, directory, unlinks, requestDeadlineMs: config.requestDeadlineMs }),
    ide: config.introspection ? ide : null,
    onUnexpectedError,
  });
  return {
    url: listener.url,
    async close() {
      await listener.close();
      await graphql.stop();
      await management.close();
    },
  };
}
