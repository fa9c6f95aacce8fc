import type { ApolloServerPlugin } from '@apollo/server';
import { type GraphQLFormattedError, OperationTypeNode } from 'graphql';
import { type IdentityList, type IdentitySource, isIdentityField } from '../genauth';
import type { Context } from './context';
import type { Fields } from './selections';

/** Maximum size of a response. It bounds the memory of one request. */
export const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

/** A response would be larger than `MAX_RESPONSE_BYTES`. Nothing of it is sent. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';

  constructor() {
    super('the response is too large');
  }
}

/** The only error of such a response. */
export const RESPONSE_TOO_LARGE: GraphQLFormattedError = {
  message: 'The response would be larger than 32 MiB. Ask for fewer users or fields.',
  extensions: { code: 'BAD_USER_INPUT', validationErrorCode: 'RESPONSE_TOO_LARGE' },
};

/** Counts the bytes that graphql-js will add to a response: the values as GenAuth sent them, and the names of the fields. */
export class ResponseRoom {
  #bytes = MAX_RESPONSE_BYTES;
  /** The number of users that were read for the response. */
  reads = 0;
  /** Whether something did not fit. */
  isExceeded = false;

  /** @returns Whether a list of identities fits. It counts even if it does not. */
  take(identities: IdentityList, fields: Fields | null): boolean {
    for (const [responseName, [{ name }]] of fields ?? []) {
      // Quotes, colon and comma.
      this.#bytes -= identities.length * (responseName.length + 4);
      if (isIdentityField(name.value)) this.#bytes -= identities.bytesOf(name.value);
    }
    this.isExceeded ||= this.#bytes < 0;
    return !this.isExceeded;
  }

  /** @returns Whether identity sources fit. They count even if they do not. */
  takeSources(sources: readonly IdentitySource[], fields: Fields | null): boolean {
    for (const [responseName, [{ name }]] of fields ?? []) {
      for (const source of sources) {
        const value = Object.hasOwn(source, name.value) ? source[name.value as keyof IdentitySource] : null;
        // Quotes, colon and comma.
        this.#bytes -= responseName.length + (value?.length ?? 0) + 6;
      }
    }
    this.isExceeded ||= this.#bytes < 0;
    return !this.isExceeded;
  }
}

/** Replaces the response to a query that graphql-js made without everything that did not fit. */
export function refuseLargeResponses(): ApolloServerPlugin<Context> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        willSendResponse({ operation, contextValue, response: { body, http } }) {
          const isQuery = operation?.operation === OperationTypeNode.QUERY;
          if (body.kind === 'single' && isQuery && contextValue.room.isExceeded) {
            body.singleResult = { errors: [RESPONSE_TOO_LARGE] };
            http.status = 400;
          }
          return Promise.resolve();
        },
      }),
  };
}
