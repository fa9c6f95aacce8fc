import { buildSubgraphSchema, printSubgraphSchema } from '@apollo/subgraph';
import { type ConstDirectiveNode, type DocumentNode, Kind, parse, parseConstValue, visit } from 'graphql';
import type { PolicyOptions } from '../callers';

const FEDERATION = 'https://specs.apollo.dev/federation/';

export type AuthorizationOptions = Pick<PolicyOptions, 'selfUnlink' | 'scopeRead' | 'scopeUnlink' | 'scopeLink'>;

/**
 * Adds `@authenticated` and `@requiresScopes` to the SDL. The subgraph enforces the same rules itself; with the directives
 * a router refuses such requests earlier. The scope for unlinks is required only where users may not unlink their own identities.
 *
 * @throws {Error} The SDL lacks one of the protected fields, or the federation `@link` with an import list.
 * @see docs/decisions/0010-authorization-directives.md
 */
export function withAuthorization(sdl: string, options: AuthorizationOptions): string {
  const { selfUnlink, scopeRead, scopeUnlink, scopeLink } = options;
  const authenticated = directive('authenticated');
  const requires = (scope: string): ConstDirectiveNode =>
    directive('requiresScopes', { scopes: JSON.stringify([[scope]]) });
  const onFields = new Map([
    ['User.identities', [authenticated]],
    ['User.linkableSources', [authenticated]],
    ['Query.identityUsers', [authenticated]],
    ['Query.usersByIdentity', [authenticated, requires(scopeRead)]],
    ['Query.identitySources', [authenticated]],
    ['Mutation.unlinkIdentity', selfUnlink === 'allow' ? [authenticated] : [authenticated, requires(scopeUnlink)]],
    ['Mutation.linkIdentity', [authenticated, requires(scopeLink)]],
    ['Mutation.revokeSessions', [authenticated]],
  ]);
  const names = new Set([...onFields.values()].flat().map(({ name }) => `@${name.value}`));
  const imported = importing(parse(sdl), [...names]);
  let typeName = '';
  const marked = visit(imported, {
    ObjectTypeDefinition: ({ name }) => void (typeName = name.value),
    ObjectTypeExtension: ({ name }) => void (typeName = name.value),
    FieldDefinition(field) {
      const place = `${typeName}.${field.name.value}`;
      const added = onFields.get(place);
      if (added === undefined) return undefined;
      onFields.delete(place);
      return { ...field, directives: [...(field.directives ?? []), ...added] };
    },
  });
  if (onFields.size > 0) throw new Error(`the schema has no ${[...onFields.keys()].join(' and no ')}`);
  // The library printed the original too, so that only the directives differ.
  return printSubgraphSchema(buildSubgraphSchema([{ typeDefs: marked }]));
}

/** Adds names to the import list of the federation `@link`. */
function importing(document: DocumentNode, names: readonly string[]): DocumentNode {
  let found = false;
  const linked = visit(document, {
    Directive(link) {
      const url = link.arguments?.find(({ name }) => name.value === 'url')?.value;
      if (link.name.value !== 'link' || url?.kind !== Kind.STRING || !url.value.startsWith(FEDERATION))
        return undefined;
      return {
        ...link,
        arguments: link.arguments?.map((argument) => {
          if (argument.name.value !== 'import' || argument.value.kind !== Kind.LIST) return argument;
          found = true;
          const added = names.map((value) => ({ kind: Kind.STRING as const, value }));
          return { ...argument, value: { ...argument.value, values: [...argument.value.values, ...added] } };
        }),
      };
    },
  });
  if (!found) throw new Error('the schema has no @link to federation with an import list');
  return linked;
}

function directive(name: string, values: Readonly<Record<string, string>> = {}): ConstDirectiveNode {
  return {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: name },
    arguments: Object.entries(values).map(([argument, value]) => ({
      kind: Kind.ARGUMENT as const,
      name: { kind: Kind.NAME as const, value: argument },
      value: parseConstValue(value),
    })),
  };
}
