/** An error of a response. Routers add errors that have none of these, or a code of their own. */
export interface ResponseError {
  readonly code: string | undefined;
  readonly outcome: unknown;
  readonly retryAfterMs: number | undefined;
  readonly operationId: string | undefined;
  /** The name or alias of the root field that failed. Undefined if the whole request failed. */
  readonly field: string | undefined;
}

type Node = Readonly<Record<string, unknown>>;

/**
 * Returns the object and the objects inside it that may be a response. Apollo Client and urql have `error` beside `data`,
 * graphql-request throws its `response`, and Apollo Client keeps the text of an HTTP error in `bodyText`.
 */
function nodesOf(from: unknown, depth = 0): readonly Node[] {
  if (typeof from !== 'object' || from === null || depth > 3) return [];
  const node = from as Node;
  const inner = [node['error'], node['response'], node['networkError'], node['cause'], parse(node['bodyText'])];
  return [node, ...inner.flatMap((each) => nodesOf(each, depth + 1))];
}

function parse(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the payload of a mutation, wherever a client keeps it, also if there are errors beside it. */
export function payloadOf<Payload>(from: unknown, field: string): NonNullable<Payload> | undefined {
  const values = nodesOf(from).map((node) => (node['data'] as Node | null | undefined)?.[field] ?? node[field]);
  return values.find(
    (value): value is NonNullable<Payload> => typeof value === 'object' && value !== null && 'success' in value,
  );
}

/** Returns the errors of a response, from what a GraphQL client returned or threw, or from the body of a response. */
export function errorsOf(resultOrError: unknown): readonly ResponseError[] {
  const lists = nodesOf(resultOrError).flatMap((node) => [node['errors'], node['graphQLErrors']]);
  return lists.flatMap((list: unknown) => (Array.isArray(list) ? list.map(toError) : []));
}

function toError(error: { extensions?: Node; path?: readonly unknown[] } | null): ResponseError {
  const { code, outcome, retryAfterMs, operationId } = error?.extensions ?? {};
  return {
    code: toText(code),
    outcome,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    operationId: toText(operationId),
    field: toText(error?.path?.[0]),
  };
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Whether the caller has to sign in again. The subgraph's 401 arrives inside an HTTP 200 of the router. */
export function isUnauthenticated(resultOrError: unknown): boolean {
  const statuses = nodesOf(resultOrError).flatMap((node) => [node['status'], node['statusCode']]);
  return statuses.includes(401) || errorsOf(resultOrError).some(({ code }) => code === 'UNAUTHENTICATED');
}
