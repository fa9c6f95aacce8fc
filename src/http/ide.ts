import send from '@fastify/send';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** A tab of the IDE with an operation that is ready to run. */
export interface IdeWindow {
  name: string;
  query: string;
  variables: Readonly<Record<string, unknown>>;
}

/** A page of the IDE, or one of its files. */
export interface Page {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Readable;
}

/** @returns null if there is nothing at that path. */
export type Ide = (request: IncomingMessage, path: string) => Promise<Page | null>;

/** The path below which the IDE's files are served. */
const FILES = '/ide/';

/**
 * Loads a GraphQL IDE for `/`, with the first window open. All files come from this process, so that the IDE works offline
 * and sends no request to another origin.
 */
export async function loadIde(windows: readonly IdeWindow[]): Promise<Ide> {
  // Imported here, because most production processes have no IDE.
  const { getDistDirectory, renderAltair } = await import('altair-static');
  const page = renderAltair({
    baseURL: FILES,
    endpointURL: '/graphql',
    // Altair opens the last window.
    initialWindows: windows.toReversed().map(({ name, query, variables }) => ({
      initialName: name,
      initialQuery: query,
      initialVariables: JSON.stringify(variables, null, 2),
    })),
    // No advertisements, no account, and no check for updates.
    disableAccount: true,
    persistedSettings: { 'banners.disable': true, 'alert.disableUpdateNotification': true },
  });
  return async (request, path) => {
    if (path === '/') return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page };
    if (!path.startsWith(FILES)) return null;
    const file = await send(request, encodeURI(path.slice(FILES.length - 1)), {
      root: getDistDirectory(),
      dotfiles: 'deny',
    });
    const { statusCode: status, headers, stream } = file;
    return status >= 400 ? null : { status, headers, body: stream };
  };
}
