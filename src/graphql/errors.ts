import { unwrapResolverError } from '@apollo/server/errors';
import { LimitError } from './limits';
import { type FieldNode, GraphQLError, type GraphQLFormattedError, Kind, locatedError } from 'graphql';
import { ForbiddenError } from '../callers';
import { DeadlineError } from '../deadline';
import type { ErrorCode } from '../errorCodes';
import {
  InvalidArgumentError,
  ManagementRefusedError,
  ManagementUnreachableError,
  type Refusal,
  type Unreachability,
} from '../genauth';
import {
  LastIdentityError,
  NotAnIdentitySourceError,
  NotExecutedError,
  NotVisibleError,
  OutcomeUnknownError,
  SignInTooOldError,
} from '../identities';

/** The extensions of an error. Callers receive no other keys. @see docs/errors.md */
export interface ErrorExtensions {
  code: ErrorCode;
  validationErrorCode?: string;
  /** Mutations and whole requests. `NOT_EXECUTED`: nothing was executed. After `UNKNOWN` read the identities first. */
  outcome?: 'NOT_EXECUTED' | 'UNKNOWN';
  /** Milliseconds after which the same request may succeed. Without it, sending the request again does not help. */
  retryAfterMs?: number;
  apiCode?: number;
  requestId?: string;
  /** Mutations only. Identifies the records in the audit trail. */
  operationId?: string;
}

interface Translation {
  message: string;
  extensions: ErrorExtensions;
}

/** Translates an error into what a caller is told. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * Creates the only translation from internal errors to the errors of a response. An error that it does not know becomes
 * `INTERNAL_SERVER_ERROR`, without the error's own message.
 *
 * @param onUnexpected Called with an error that the translation does not know.
 */
export function createFormatError(onUnexpected: (error: unknown) => void): FormatError {
  return (formatted, error) => {
    const cause = unwrapResolverError(error);
    const known = translate(cause) ?? (error instanceof GraphQLError ? translateGraphQL(formatted, error) : undefined);
    if (known === undefined || isUnexpected(cause)) onUnexpected(cause);
    const { message, extensions } = known ?? INTERNAL;
    return {
      message,
      ...(formatted.locations === undefined ? {} : { locations: formatted.locations }),
      ...(formatted.path === undefined ? {} : { path: formatted.path }),
      extensions: { ...extensions },
    };
  };
}

/** Translates what a resolver threw into the error of a field. */
export type FormatFieldError = (
  cause: unknown,
  nodes: readonly FieldNode[],
  path: readonly (string | number)[],
) => GraphQLFormattedError;

/** Creates the translation for errors of fields that graphql-js did not execute. It translates as `formatError` does. */
export function createFormatFieldError(formatError: FormatError): FormatFieldError {
  return (cause, nodes, path) => {
    const error = locatedError(cause, nodes, path);
    return formatError(error.toJSON(), error);
  };
}

/** Whether a mutation failed for an internal reason, such as an audit trail that cannot be written. */
function isUnexpected(error: unknown): boolean {
  const isOfMutation = error instanceof NotExecutedError || error instanceof OutcomeUnknownError;
  return isOfMutation && !(error.cause instanceof NotVisibleError) && translate(error.cause) === undefined;
}

const INTERNAL: Translation = {
  message: 'An internal error occurred.',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
};

function translate(error: unknown): Translation | undefined {
  if (error instanceof NotExecutedError) {
    // Even an unknown error was thrown before anything was sent, so that the outcome is known.
    const { message, extensions } = translate(error.cause) ?? INTERNAL;
    return { message, extensions: { ...extensions, outcome: 'NOT_EXECUTED', ...operationIdField(error.operationId) } };
  }
  if (error instanceof OutcomeUnknownError) {
    return {
      message: 'GenAuth may or may not have executed the mutation. Read the user before trying again.',
      extensions: { code: unknownCode(error), outcome: 'UNKNOWN', ...operationIdField(error.operationId) },
    };
  }
  if (error instanceof NotAnIdentitySourceError) {
    return {
      message:
        'Argument "extIdpId" is the id of an identity or of a connection. Pass the id of its source, Identity.extIdpId.',
      extensions: { code: 'BAD_USER_INPUT', validationErrorCode: 'NOT_AN_IDENTITY_SOURCE' },
    };
  }
  if (error instanceof SignInTooOldError) {
    return { message: 'Sign in again, and repeat the request.', extensions: { code: 'SIGN_IN_TOO_OLD' } };
  }
  if (error instanceof InvalidArgumentError) {
    return { message: error.message, extensions: { code: 'BAD_USER_INPUT' } };
  }
  if (error instanceof ForbiddenError) {
    return { message: 'You may not do this.', extensions: { code: 'FORBIDDEN' } };
  }
  if (error instanceof LastIdentityError) {
    return {
      message: 'This is the last way for the user to sign in. Add another one before unlinking it.',
      extensions: { code: 'LAST_IDENTITY' },
    };
  }
  if (error instanceof DeadlineError) return upstream('DEADLINE_EXCEEDED', null);
  if (error instanceof ManagementUnreachableError) {
    return upstream(CODE_OF_UNREACHABILITY[error.reason], error.retryAfterMs);
  }
  if (error instanceof ManagementRefusedError) return translateRefusal(error);
  return undefined;
}

/** A code of its own only for the outcomes that a read of the user's identities settles. */
function unknownCode({ kind, cause }: OutcomeUnknownError): ErrorCode {
  if (kind === 'unlink') return 'UNLINK_OUTCOME_UNKNOWN';
  if (kind === 'link') return 'LINK_OUTCOME_UNKNOWN';
  return translate(cause)?.extensions.code ?? 'UPSTREAM_BAD_RESPONSE';
}

function operationIdField(operationId: string | null): { operationId?: string } {
  return operationId === null ? {} : { operationId };
}

function translateRefusal({ refusal, retryAfterMs, apiCode, requestId }: ManagementRefusedError): Translation {
  return upstream(CODE_OF_REFUSAL[refusal], retryAfterMs, {
    // The rejected key is the operator's. The caller learns only that it was rejected.
    ...(refusal === 'credentials' || apiCode === null ? {} : { apiCode }),
    ...(requestId === null ? {} : { requestId }),
  });
}

/** @param retryAfterMs Null where it is not known. It is ignored where a retry cannot help. */
function upstream(
  code: UpstreamCode,
  retryAfterMs: number | null,
  extensions: Omit<ErrorExtensions, 'code'> = {},
): Translation {
  const retry = RETRY_AFTER_MS[code] === undefined ? {} : { retryAfterMs: retryAfterMs ?? RETRY_AFTER_MS[code] };
  return { message: MESSAGES[code], extensions: { code, ...retry, ...extensions } };
}

/** The codes of transient failures, and milliseconds to wait where neither a pause nor the circuit breaker says how long. */
const RETRY_AFTER_MS: Readonly<Partial<Record<ErrorCode, number>>> = {
  DEADLINE_EXCEEDED: 1_000,
  RATE_LIMITED: 1_000,
  UPSTREAM_RATE_LIMITED: 500,
  UPSTREAM_TIMEOUT: 1_000,
  UPSTREAM_UNAVAILABLE: 1_000,
};

const MESSAGES = {
  DEADLINE_EXCEEDED: 'The request took longer than it may.',
  RATE_LIMITED: 'This service is asking GenAuth as much as it may. Try again later.',
  UPSTREAM_AUTH_FAILED: 'GenAuth did not accept the credentials of this service.',
  UPSTREAM_BAD_RESPONSE: 'GenAuth gave an answer that cannot be used.',
  UPSTREAM_RATE_LIMITED: 'GenAuth is receiving too many requests. Try again later.',
  UPSTREAM_REJECTED: 'GenAuth refused the request.',
  UPSTREAM_TIMEOUT: 'GenAuth did not answer in time.',
  UPSTREAM_UNAVAILABLE: 'GenAuth cannot be reached.',
} as const;

type UpstreamCode = keyof typeof MESSAGES;

export const CODE_OF_REFUSAL: Readonly<Record<Refusal, UpstreamCode>> = {
  credentials: 'UPSTREAM_AUTH_FAILED',
  rate_limited: 'UPSTREAM_RATE_LIMITED',
  not_found: 'UPSTREAM_REJECTED',
  rejected: 'UPSTREAM_REJECTED',
};

export const CODE_OF_UNREACHABILITY: Readonly<Record<Unreachability, UpstreamCode>> = {
  dns: 'UPSTREAM_UNAVAILABLE',
  connection_refused: 'UPSTREAM_UNAVAILABLE',
  connect_timeout: 'UPSTREAM_UNAVAILABLE',
  tls: 'UPSTREAM_UNAVAILABLE',
  reset: 'UPSTREAM_UNAVAILABLE',
  closed: 'UPSTREAM_UNAVAILABLE',
  http_error: 'UPSTREAM_UNAVAILABLE',
  http_rejected: 'UPSTREAM_UNAVAILABLE',
  internal_error: 'UPSTREAM_UNAVAILABLE',
  upstream_error: 'UPSTREAM_UNAVAILABLE',
  breaker_open: 'UPSTREAM_UNAVAILABLE',
  upstream_unclear: 'UPSTREAM_REJECTED',
  overloaded: 'RATE_LIMITED',
  paused: 'UPSTREAM_RATE_LIMITED',
  timeout: 'UPSTREAM_TIMEOUT',
  deadline: 'DEADLINE_EXCEEDED',
  protocol: 'UPSTREAM_BAD_RESPONSE',
  too_large: 'UPSTREAM_BAD_RESPONSE',
  redirect: 'UPSTREAM_BAD_RESPONSE',
  encoding: 'UPSTREAM_BAD_RESPONSE',
  empty: 'UPSTREAM_BAD_RESPONSE',
  not_json: 'UPSTREAM_BAD_RESPONSE',
  shape: 'UPSTREAM_BAD_RESPONSE',
  mismatch: 'UPSTREAM_BAD_RESPONSE',
  replayed: 'UPSTREAM_BAD_RESPONSE',
};

/** Translates errors of GraphQL. Their messages quote the document and the variables, so the quotes are removed. */
function translateGraphQL(formatted: GraphQLFormattedError, error: GraphQLError): Translation | undefined {
  const { code, validationErrorCode } = formatted.extensions ?? {};
  // An error without a path refuses the whole request, before anything is executed.
  const outcome = formatted.path === undefined ? { outcome: 'NOT_EXECUTED' as const } : {};
  // The code is that of a `LimitError`, or one of the cases below.
  const known = (message: string, knownCode = code as ErrorCode): Translation => ({
    message,
    extensions: {
      code: knownCode,
      ...(typeof validationErrorCode === 'string' ? { validationErrorCode } : {}),
      ...outcome,
    },
  });
  if (error instanceof LimitError) return known(error.message);
  switch (code) {
    case 'GRAPHQL_PARSE_FAILED':
      return TOO_MANY_TOKENS.test(error.message)
        ? {
            message: 'The document is too long.',
            extensions: { code, validationErrorCode: 'MAX_TOKENS', ...outcome },
          }
        : known('The document is not valid GraphQL.');
    case 'GRAPHQL_VALIDATION_FAILED':
      return known(namesOnly(error) ? error.message : 'A value in the document is not of the type that is asked for.');
    case 'BAD_USER_INPUT':
      return known(withoutValue(error.message));
    case 'OPERATION_RESOLUTION_FAILURE':
      return known('The document does not have the operation that is asked for.', 'BAD_REQUEST');
    case 'BAD_REQUEST':
      return known('The request is not one that GraphQL over HTTP knows.');
    default:
      return undefined;
  }
}

/** The message of graphql-js for a document that has more tokens than `maxTokens`. */
const TOO_MANY_TOKENS = /more tha[nt] \d+ tokens/;

/** Whether a validation message contains names only. If the error is in a value, the message contains the value. */
function namesOnly(error: GraphQLError): boolean {
  return !(error.nodes ?? []).some(({ kind }) => kind.endsWith('Value') || kind === Kind.OBJECT_FIELD);
}

const VARIABLE_MESSAGE = /^Variable "(\$[_A-Za-z][_0-9A-Za-z]*)"/;
const ARGUMENT_MESSAGE = /^Argument "([_A-Za-z][_0-9A-Za-z]*)"/;

function withoutValue(message: string): string {
  const variable = VARIABLE_MESSAGE.exec(message)?.[1];
  if (variable !== undefined) return `Variable "${variable}" is missing or not of the type that is declared.`;
  const argument = ARGUMENT_MESSAGE.exec(message)?.[1];
  if (argument !== undefined) return `Argument "${argument}" is missing or not of the type that is asked for.`;
  return message.startsWith('representation ') ? message : 'A value of the request cannot be used.';
}
