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

/** Keeps other sites from showing the IDE in a frame, where they could trick a user into clicking (clickjacking). */
const NOT_FRAMED = { 'content-security-policy': "frame-ancestors 'none'", 'x-frame-options': 'DENY' };

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
    if (path === '/') {
      return { status: 200, headers: { ...NOT_FRAMED, 'content-type': 'text/html; charset=utf-8' }, body: page };
    }
    const file = path === '/favicon.ico' ? path : path.startsWith(FILES) ? path.slice(FILES.length - 1) : null;
    if (file === null) return null;
    const { statusCode, headers, stream } = await send(request, encodeURI(file), {
      root: getDistDirectory(),
      dotfiles: 'deny',
    });
    return statusCode >= 400 ? null : { status: statusCode, headers: { ...NOT_FRAMED, ...headers }, body: stream };
  };
}
