import send from '@fastify/send';
import type { FastifyInstance } from 'fastify';

/** A tab of the IDE, filled and ready to run. */
export interface IdeWindow {
  name: string;
  query: string;
  variables: Readonly<Record<string, unknown>>;
}

/** Where the IDE's own files are served. */
const FILES = '/ide/';

/**
 * Serves a GraphQL IDE at `/`, with the first window open. All of it comes from this process, so that it works without internet and nothing is told
 * to anybody else.
 */
export async function serveIde(app: FastifyInstance, windows: readonly IdeWindow[]): Promise<void> {
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
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  app.get(`${FILES}*`, async (request, reply) => {
    const path = request.url.slice(FILES.length - 1).split('?')[0] ?? '/';
    const file = await send(request.raw, path, { root: getDistDirectory(), dotfiles: 'deny' });
    return reply.code(file.statusCode).headers(file.headers).send(file.stream);
  });
}
