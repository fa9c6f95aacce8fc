import { errorsOf, type IdentitySourcesQuery, IdentitySourcesDocument } from '../client';
import { UnavailableError, UsageError } from './errors';
import { retryAfter, type Supergraph } from './supergraph';
import { printable, table } from './terminal';

export type Source = NonNullable<IdentitySourcesQuery['identitySources']>[number];

/**
 * Finds an identity source by its id or its exact name.
 *
 * @throws {UsageError} There is none, or several have the name.
 */
export async function findSource(supergraph: Supergraph, idOrName: string): Promise<Source> {
  const sources = await readSources(supergraph);
  const byId = sources.find(({ id }) => id === idOrName);
  if (byId !== undefined) return byId;
  const [source, ...others] = sources.filter(({ name }) => name === idOrName);
  if (source !== undefined && others.length === 0) return source;
  const problem =
    source === undefined
      ? `There is no identity source with the id or the name "${printable(idOrName)}".`
      : `Several identity sources have the name "${printable(idOrName)}". Give the id of one of them.`;
  const listed = source === undefined ? sources : [source, ...others];
  throw new UsageError(`${problem}\n${table(listed.map(({ id, name, provider }) => [id, name, provider]))}`);
}

async function readSources(supergraph: Supergraph): Promise<readonly Source[]> {
  for (let attempt = 1; ; attempt++) {
    const body = await supergraph.query(IdentitySourcesDocument, {});
    const sources = body.data?.identitySources;
    if (Array.isArray(sources)) {
      supergraph.pace.succeeded();
      return sources as readonly Source[];
    }
    const [error] = errorsOf(body);
    const afterMs = retryAfter(error?.code, error?.retryAfterMs);
    if (afterMs === undefined || attempt >= supergraph.attempts) {
      throw new UnavailableError(`The identity sources cannot be read (${printable(error?.code ?? 'no code')}).`);
    }
    supergraph.pace.pause(afterMs);
  }
}
