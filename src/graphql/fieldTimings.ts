import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginInlineTrace } from '@apollo/server/plugin/inlineTrace';
import type { Context } from './context';

/** The header by which an Apollo router requests the timings of fields. Only graphql-js can measure these. */
const TRACE_HEADER = 'apollo-federation-include-trace';

/** Whether a request asks for the timings of fields. @param header Returns the value of a header. */
export function requestsTimings(header: (name: string) => unknown): boolean {
  return header(TRACE_HEADER) === 'ftv1';
}

/** Reports the timings of fields to Apollo's routers (`ftv1`), for requests whose context is `isTraced`. */
export function reportTimings(): ApolloServerPlugin<Context> {
  const apollo: ApolloServerPlugin<Context> = ApolloServerPluginInlineTrace({ includeErrors: { masked: true } });
  return {
    ...apollo,
    async requestDidStart(request) {
      const listener = await apollo.requestDidStart?.(request);
      if (!listener) return undefined;
      const { contextValue } = request;
      return {
        executionDidStart: async (event) => (contextValue.isTraced ? listener.executionDidStart?.(event) : undefined),
        didEncounterErrors: async (event) => (contextValue.isTraced ? listener.didEncounterErrors?.(event) : undefined),
        willSendResponse: async (event) => (contextValue.isTraced ? listener.willSendResponse?.(event) : undefined),
      };
    },
  };
}
