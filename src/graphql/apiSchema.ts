import { buildASTSchema, type DocumentNode, parse, print, validateSchema, visit } from 'graphql';

/** The directives that are meant for clients. All others are meant for routers and registries. */
const FOR_CLIENTS: ReadonlySet<string> = new Set(['deprecated', 'specifiedBy', 'semanticNonNull']);

/**
 * Returns the SDL that clients see: without the directives of federation and without the links to their specifications.
 *
 * @throws {Error} The SDL is not complete without them.
 */
export function toApiSdl(typeDefs: string): string {
  const api: DocumentNode = visit(parse(typeDefs), {
    SchemaExtension: () => null,
    Directive: ({ name }) => (FOR_CLIENTS.has(name.value) ? undefined : null),
  });
  const errors = validateSchema(buildASTSchema(api));
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('; '));
  return print(api);
}
