import type { IdentitySource } from '../../genauth';
import type { JsonWriter } from '../../json';
import { ResponseTooLargeError } from '../responseSize';
import { type FieldNodes, type Selecting, SOURCE_TYPES } from '../selections';
import { objectWriter } from './objectWriter';
import type { CompileRoots, Writer } from './plan';

const LEAVES: Readonly<Record<string, Writer<IdentitySource>>> = {
  __typename: (_source, out) => out.literal('"IdentitySource"'),
  id: ({ id }, out) => out.value(id),
  name: ({ name }, out) => out.value(name),
  provider: ({ provider }, out) => out.value(provider),
  logo: ({ logo }, out) => out.value(logo),
};

/** Compiles the selection of an identity source. @returns null if graphql-js has to execute the operation. */
export function compileSource(nodes: FieldNodes, selecting: Selecting): Writer<IdentitySource> | null {
  return objectWriter(nodes, SOURCE_TYPES, selecting, (name) =>
    Object.hasOwn(LEAVES, name) ? (LEAVES[name] ?? null) : null,
  );
}

export function writeSources(sources: readonly IdentitySource[], write: Writer<IdentitySource>, out: JsonWriter): void {
  out.literal('[');
  for (const [index, source] of sources.entries()) {
    if (index > 0) out.literal(',');
    write(source, out);
  }
  out.literal(']');
}

/** Compiles a query of one `identitySources` field. */
export const compileIdentitySources: CompileRoots = ([field, ...others], selecting) => {
  const write = field && others.length === 0 ? compileSource(field.nodes, selecting) : null;
  if (write === null) return null;
  return () => [
    async ({ identities }) => {
      const sources = await identities.pool.listSources();
      return (out) => {
        if (!out.writeWithin(() => writeSources(sources, write, out))) throw new ResponseTooLargeError();
      };
    },
  ];
};
