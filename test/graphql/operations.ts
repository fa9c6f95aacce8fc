import * as fc from 'fast-check';
import type { Fault } from '../../src/emulator';
import { document } from './documents';
import { GITHUB, UNUSED_SOURCE, userIdOf, WECHAT } from './users';

export { APPLICATION, SEED } from './users';

const UNKNOWN_USER = 'f'.repeat(24);

/** A caller who may read and unlink any user, read any user, unlink any user, or read and unlink only themselves. */
export type CallerKind = 'administrator' | 'reader' | 'unlinker' | 'user';

/** A request, as a router could send it. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  /** undefined: not sent. */
  operationName: string | null | undefined;
  accept: string | undefined;
  caller: CallerKind;
  /** Whether it has the form of a router's operation, so that it is compiled. */
  isCompiled: boolean;
  /** How GenAuth fails, if it does. */
  readFault?: Fault | undefined;
  unlinkFault?: Fault | undefined;
}

const representation = fc.oneof(
  { weight: 24, arbitrary: fc.nat(5).map((user): unknown => ({ __typename: 'User', id: userIdOf(user) })) },
  { weight: 1, arbitrary: fc.constant({ __typename: 'User', id: userIdOf(0), more: [1] }) },
  { weight: 3, arbitrary: fc.constant({ __typename: 'User', id: UNKNOWN_USER }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      ...[{ __typename: 'User', id: 'not an id' }, { __typename: 'User', id: 7 }, { __typename: 'User' }],
      ...[{ __typename: 'Order', id: 'x' }, { id: userIdOf(0) }, null, 'User', 7, [], {}],
    ),
  },
);

const weighted = <Value>(often: fc.Arbitrary<Value>, seldom: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 24, arbitrary: often }, { weight: 1, arbitrary: seldom });

const wrong = fc.constantFrom<unknown>(null, 7, true, '', 'not an id', [], [userIdOf(1)], {}, undefined);
const goodUserId = fc.oneof({ weight: 8, arbitrary: fc.nat(5).map(userIdOf) }, fc.constant(UNKNOWN_USER));
const account = fc.constantFrom('u0', 'u1', 'u2', 'g3', 'o2"\\名😀', 'of no user', 'a&b', '');
const variables = fc.record({
  users: weighted(fc.array(representation, { maxLength: 6 }), fc.oneof(wrong, representation)),
  others: weighted(fc.array(representation, { maxLength: 4 }), fc.oneof(wrong, representation)),
  ids: weighted(fc.array(goodUserId, { maxLength: 5 }), fc.oneof(wrong, fc.constant([userIdOf(0), 'no id', 7]))),
  accounts: weighted(fc.array(account, { maxLength: 5 }), wrong),
  userId: weighted(goodUserId, wrong),
  extIdpId: weighted(fc.constantFrom(WECHAT, WECHAT, GITHUB, UNUSED_SOURCE, 'e'.repeat(24)), wrong),
  // Missing, null, the type of an identity, the type of none, and an invalid type.
  type: weighted(fc.constantFrom(undefined, undefined, null, 'openid', 'unionid', 'generic', 'none'), wrong),
  yes: weighted(fc.constant(true), wrong),
  no: weighted(fc.constant(false), wrong),
});

/** Any operation of this schema that a router sends, or that is similar to one. */
export const operation: fc.Arbitrary<Operation> = fc
  .record({
    document,
    variables,
    caller: fc.constantFrom<CallerKind>(
      ...Array<'administrator'>(8).fill('administrator'),
      'user',
      'reader',
      'unlinker',
    ),
    readFault: fc.constantFrom<Fault | undefined>(
      ...Array<undefined>(12).fill(undefined),
      ...(['wrong-shape', 'user-mismatch', 'envelope-400', 'envelope-404/2004'] as const),
    ),
    unlinkFault: fc.constantFrom<Fault | undefined>(
      ...Array<undefined>(12).fill(undefined),
      ...(['success-false', 'envelope-404/2004', 'envelope-401/2020', 'reset-after-execute'] as const),
    ),
    accept: fc.constantFrom(
      ...Array<undefined>(10).fill(undefined),
      ...['application/json', 'application/graphql-response+json', 'text/html'],
      'application/graphql-response+json, application/json;q=0.9',
    ),
    named: fc.constantFrom<string>(
      ...Array<string>(30).fill('right'),
      'none',
      'none',
      'null',
      'other',
      'wrong',
      'empty',
    ),
  })
  .map(({ document: { query, name, hasOther, isCompiled }, named, ...rest }) => {
    const names = {
      right: name === '' ? undefined : name,
      none: undefined,
      null: null,
      other: 'Other',
      wrong: 'R',
      empty: '',
    };
    const operationName = names[named as keyof typeof names];
    const isOther = hasOther && operationName === 'Other';
    return { query, operationName, isCompiled: isCompiled || isOther, ...rest };
  });
