import send from '@fastify/send';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** A tab of the IDE, filled and ready to run. */
export interface IdeWindow {
  name: string;
  query: string;
  variables: Readonly<Record<string, unknown>>;
}

/** A page, or a file that it is made of. */
export interface Page {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Readable;
}

/** @returns null where there is nothing at that path. */
export type Ide = (request: IncomingMessage, path: string) => Promise<Page | null>;

/** Where the IDE's own files are served. */
const FILES = '/ide/';

/**
 * Loads a GraphQL IDE for `/`, with the first window open. All of it comes from this process, so that it works without internet
 * and nothing is told to anybody else.
 */
export async function loadIde(windows: readonly IdeWindow[]): Promise<Ide> {
  // Loaded here, because production has no use for it.
  const { getDistDirectory, renderAltair } = await import('altair-static');
  const page = renderAltair({
    baseURL: FILES,
    endpointURL: '/graphql',
    // The last of them is the one that is open.
    initialWindows: windows.toReversed().map(({ name, query, variables }) => ({
      initialName: name,
      initialQuery: query,
      initialVariables: JSON.stringify(variables, null, 2),
    })),
    // No advertisement, no account, and no question to another server whether there is something newer.
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
