// A plugin of graphql-codegen. It writes one constant for each operation: the complete text, with the types of the
// operation's data and variables.
const { concatAST, getOperationAST, OperationTypeNode, print, separateOperations } = require('graphql');

const PREPEND = `/**
 * The text of an operation, with the types of its data and variables. \`__apiType\` never exists at run time: it is the
 * property from which GraphQL clients infer the types of a typed document.
 */
export type TypedText<Data, Variables> = string & { readonly __apiType?: (variables: Variables) => Data };`;

/** @type {import('@graphql-codegen/plugin-helpers').PluginFunction} */
function plugin(_schema, files) {
  const documents = separateOperations(concatAST(files.flatMap(({ document }) => document ?? [])));
  const constants = Object.entries(documents).map(([name, document]) => {
    const isMutation = getOperationAST(document, name)?.operation === OperationTypeNode.MUTATION;
    const type = name + (isMutation ? 'Mutation' : 'Query');
    return `export const ${name}Document = ${JSON.stringify(print(document))} as TypedText<${type}, ${type}Variables>;`;
  });
  return { prepend: [PREPEND], content: constants.join('\n') };
}

module.exports = { plugin };
