import { type FieldNode, Kind } from 'graphql';
import type { Identities } from '../../identities';

export type Variables = Readonly<Record<string, unknown>>;

/**
 * Answers one operation, compiled for it.
 *
 * @returns The body of the answer, to be taken out of it; null where graphql-js has to answer. What was done by then is
 *   remembered by `identities`, so that nothing is read twice, and nothing is unlinked twice.
 */
export type Plan = (variables: Variables, identities: Identities) => Promise<Written | null> | null;

export interface Written {
  body: string | Buffer | null;
}

/** The variable that an argument is given by. @returns null where it is given otherwise. */
export function variableOf({ arguments: args = [] }: FieldNode, argument: string): string | null {
  const value = args.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : null;
}
