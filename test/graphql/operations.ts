import * as fc from 'fast-check';
import type { Seed } from '../../src/emulator';
import { SUBJECT } from '../support/issuer';

const WECHAT = '62f20932716fbcc10d966ee5';
const GITHUB = '62f20932716fbcc10d966ee6';
const UNUSED_SOURCE = '62f20932716fbcc10d966ee7';
const NOBODY = 'f'.repeat(24);

const userIdOf = (user: number): string => (user === 0 ? SUBJECT : `60194296801dc7bc2a1b28${user}0`);

/** Users with several identities under one source, with one, and with none; every id is given, so that two pools are equal. */
export const SEED: Seed = {
  extIdps: [
    { id: WECHAT, name: '微信', type: 'wechat', connections: [{ id: '62f2093244fa5cb19ff21ed3', identifier: 'w' }] },
    { id: GITHUB, name: 'GitHub', type: 'github', connections: [{ id: '62f2093244fa5cb19ff21ed4', identifier: 'g' }] },
    {
      id: UNUSED_SOURCE,
      name: 'Lark',
      type: 'lark',
      connections: [{ id: '62f2093244fa5cb19ff21ed5', identifier: 'l' }],
    },
  ],
  users: Array.from({ length: 6 }, (_, user) => ({
    id: userIdOf(user),
    hasPassword: user % 3 === 0,
    identities: [
      {
        id: `62299d8b866d2dab79a89d${user}1`,
        extIdpId: WECHAT,
        type: 'openid',
        userIdInIdp: `o${user}"\\名😀`,
        userInfoInIdp: { nickname: '三儿\u2028"\\', accessToken: 'secret', list: [1, -0, null, { a: '😀' }] },
      },
      { id: `62299d8b866d2dab79a89d${user}2`, extIdpId: WECHAT, type: 'unionid', userIdInIdp: `u${user}` },
      { id: `62299d8b866d2dab79a89d${user}3`, extIdpId: GITHUB, userIdInIdp: `g${user}`, userInfoInIdp: {} },
      // The fifth has one, which nobody but an administrator may take; the sixth has none.
    ].slice(user === 4 ? 2 : user === 5 ? 3 : 0),
  })),
};

/** Who asks: whoever may read and unlink anybody, read anybody, or do both with themselves alone. */
export type CallerKind = 'administrator' | 'reader' | 'user';

/** A request, as a router could send it. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  /** undefined: not sent. */
  operationName: string | null | undefined;
  accept: string | undefined;
  caller: CallerKind;
  /** Whether it is one that routers send: what is compiled, where nothing goes wrong with it. */
  isCompiled: boolean;
}

/** Response names are few, so that they meet: what is asked for twice has to be merged. */
const alias = fc.constantFrom(...Array<string>(12).fill(''), 'a: ', 'b: ', 'id: ');
const directive = fc.constantFrom(
  ...Array<string>(40).fill(''),
  ...[' @skip(if: $yes)', ' @include(if: $yes)', ' @include(if: $no)', ' @skip(if: false)'],
);
const leafOf = (names: readonly string[]) =>
  fc.tuple(alias, fc.constantFrom(...names), directive).map((parts) => parts.join(''));
const inBraces = (selections: readonly string[]): string => `{ ${selections.join(' ')} }`;

const IDENTITY_LEAVES = [
  ...['__typename', 'id', 'extIdpId', 'provider', 'type', 'userIdInIdp', 'userInfoInIdp', 'originConnIds'],
];

const identitySelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: leafOf(IDENTITY_LEAVES) },
      { weight: 1, arbitrary: leafOf(IDENTITY_LEAVES).map((leaf) => `... on Identity { ${leaf} }`) },
      { weight: 1, arbitrary: directive.map((skip) => `...${skip} { __typename id }`) },
      { weight: 1, arbitrary: fc.constant('...Row') },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(inBraces);

const userField = fc.oneof(
  { weight: 2, arbitrary: leafOf(['id', '__typename']) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('', '', '', 'i: ', 'j: '), directive, identitySelection)
      .map(([name, skip, rows]) => `${name}identities${skip} ${rows}`),
  },
);

const entitySelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: userField.map((field) => `... on User { ${field} }`) },
      { weight: 1, arbitrary: fc.constantFrom('__typename', 't: __typename', '... { __typename }') },
      { weight: 1, arbitrary: fc.constant('... on _Entity { ...Person }') },
      { weight: 1, arbitrary: fc.constantFrom('...Person', '...Person', '...Maybe') },
      { weight: 1, arbitrary: directive.map((skip) => `... on User${skip} { id }`) },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(inBraces);

const userSelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: userField },
      { weight: 1, arbitrary: userField.map((field) => `... on User { ${field} }`) },
      { weight: 1, arbitrary: fc.constantFrom('...Person', '...Person', '...Maybe') },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map(inBraces);

const payloadField = fc.oneof(
  { weight: 3, arbitrary: leafOf(['success', 'success', 'requestId', 'apiCode', '__typename']) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('', '', '', 'u: ', 'id: '), directive, userSelection)
      .map(([name, skip, selection]) => `${name}user${skip} ${selection}`),
  },
);

const payloadSelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: payloadField },
      { weight: 1, arbitrary: payloadField.map((field) => `... on UnlinkIdentityPayload { ${field} }`) },
      { weight: 1, arbitrary: directive.map((skip) => `...${skip} { success }`) },
      { weight: 1, arbitrary: fc.constant('...Done') },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(inBraces);

const FRAGMENTS = [
  ['Person', 'fragment Person on User { id i: identities { provider ...Row } }'],
  ['Row', 'fragment Row on Identity { type extIdpId }'],
  ['Maybe', 'fragment Maybe on User { id @include(if: $yes) }'],
  ['Done', 'fragment Done on UnlinkIdentityPayload { success id: requestId user { __typename ...Person } }'],
  ['Ask', 'fragment Ask on Query { _entities(representations: $users) { ... on User { id } } }'],
  ['Act', 'fragment Act on Mutation { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }'],
] as const;

const field = (name: string, args: string, selection: string): string => `${name}(${args}) ${selection}`;

const ENTITIES_ARGS = 'representations: $users';
const queryRoot = fc.oneof(
  { weight: 16, arbitrary: entitySelection.map((selection) => field('_entities', ENTITIES_ARGS, selection)) },
  { weight: 3, arbitrary: entitySelection.map((selection) => field('e: _entities', ENTITIES_ARGS, selection)) },
  {
    weight: 1,
    arbitrary: entitySelection.map((selection) => `... on Query { ${field('_entities', ENTITIES_ARGS, selection)} }`),
  },
  {
    weight: 1,
    arbitrary: entitySelection.map((selection) =>
      field('_entities', `representations: [{ __typename: "User", id: "${userIdOf(1)}" }]`, selection),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('__typename', '_service { sdl }', '...Ask', '...Ask') },
);

const UNLINK_ARGS = 'userId: $userId, extIdpId: $extIdpId';
const unlinkArgs = fc.oneof(
  { weight: 6, arbitrary: fc.constant(UNLINK_ARGS) },
  { weight: 6, arbitrary: fc.constant(`${UNLINK_ARGS}, type: $type`) },
  { weight: 1, arbitrary: fc.constant(`extIdpId: $extIdpId, type: $type, userId: $userId`) },
  { weight: 1, arbitrary: fc.constant(`userId: $userId, extIdpId: $userId`) },
  { weight: 1, arbitrary: fc.constantFrom(`${UNLINK_ARGS}, type: null`, `${UNLINK_ARGS}, type: "openid"`) },
  { weight: 1, arbitrary: fc.constant(`userId: "${userIdOf(1)}", extIdpId: $extIdpId`) },
  { weight: 1, arbitrary: fc.constant(`userId: $userId, extIdpId: "${WECHAT}"`) },
);
const mutationRoot = fc.oneof(
  {
    weight: 16,
    arbitrary: fc
      .tuple(fc.constantFrom('', '', '', 'u: '), unlinkArgs, payloadSelection)
      .map(([name, args, selection]) => field(`${name}unlinkIdentity`, args, selection)),
  },
  { weight: 1, arbitrary: fc.constantFrom('__typename', '...Act', '...Act') },
);

/** Mostly one: more are not what routers send. */
const rootsOf = (root: fc.Arbitrary<string>, more: string) =>
  fc.oneof(
    { weight: 6, arbitrary: root.map((one) => [one]) },
    { weight: 1, arbitrary: fc.array(root, { minLength: 2, maxLength: 3 }) },
    // The same field twice, with the same arguments: to be merged.
    { weight: 1, arbitrary: root.map((one) => [one, one.replace(/^(\w+: )?(\w+\(.*?\)) .*$/, `$1$2 { ${more} }`)]) },
  );

const declarations = fc.record({
  users: fc.constantFrom(...Array<string>(12).fill('[_Any!]!'), '[_Any!]! = []'),
  userId: fc.constantFrom(...Array<string>(12).fill('ID!'), `ID! = "${userIdOf(2)}"`),
  extIdpId: fc.constantFrom(...Array<string>(12).fill('ID!'), `ID! = "${WECHAT}"`),
  type: fc.constantFrom(
    ...Array<string>(6).fill('String'),
    'String!',
    'String!',
    'String = null',
    'String! = "openid"',
  ),
  yes: fc.constantFrom('Boolean!', 'Boolean = true'),
  no: fc.constant('Boolean!'),
});

const kind = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('query'), roots: rootsOf(queryRoot, '... on User { id }') }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('mutation'), roots: rootsOf(mutationRoot, 'success') }) },
  // Apollo Server lets these come as far as any other, and refuses them at the last moment.
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('subscription'),
      roots: rootsOf(fc.oneof(queryRoot, mutationRoot), '__typename'),
    }),
  },
);

/** Unused variables and fragments are not allowed, so that they are declared where they occur. */
const document = fc
  .tuple(kind, declarations, fc.constantFrom('Q', 'Q', 'Q', ''), fc.constantFrom('', '', '', '', '', 'first', 'last'))
  .map(([{ type, roots }, declared, name, other]) => {
    const body = inBraces(roots);
    const used = new Set<string>();
    const use = (text: string): void => {
      for (const [fragment, definition] of FRAGMENTS) {
        if (!new RegExp(`\\.\\.\\.${fragment}\\b`).test(text) || used.has(definition)) continue;
        used.add(definition);
        use(definition);
      }
    };
    use(body);
    const whole = [body, ...used].join(' ');
    const variables = Object.entries(declared).filter(([variable]) => new RegExp(`\\$${variable}\\b`).test(whole));
    const list = variables.length === 0 ? '' : `(${variables.map(([n, t]) => `$${n}: ${t}`).join(', ')})`;
    const text = `${type} ${name}${list} ${whole}`;
    const another = 'query Other { o: __typename }';
    const hasOther = name !== '' && other !== '';
    const fields = roots.map((root) =>
      root.replace('...Ask', `_entities(${ENTITIES_ARGS})`).replace('...Act', `unlinkIdentity(${UNLINK_ARGS})`),
    );
    const responseNames = new Set(fields.map((root) => root.replace('... on Query { ', '').split(/[(:]/)[0]));
    return {
      query: !hasOther ? text : other === 'first' ? `${another} ${text}` : `${text} ${another}`,
      name,
      hasOther,
      isCompiled:
        type !== 'subscription' &&
        responseNames.size === 1 &&
        // Every argument is a variable, and neither directives nor defaults have a say.
        fields.every((root) => /^[^(]*\(((, )?\w+: \$\w+)+\)/.test(root)) &&
        !/[@=]/.test(text),
    };
  });

const representation = fc.oneof(
  { weight: 24, arbitrary: fc.nat(5).map((user): unknown => ({ __typename: 'User', id: userIdOf(user) })) },
  { weight: 1, arbitrary: fc.constant({ __typename: 'User', id: userIdOf(0), more: [1] }) },
  { weight: 3, arbitrary: fc.constant({ __typename: 'User', id: NOBODY }) },
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
const goodUserId = fc.oneof({ weight: 8, arbitrary: fc.nat(5).map(userIdOf) }, fc.constant(NOBODY));
const variables = fc.record({
  users: weighted(fc.array(representation, { maxLength: 6 }), fc.oneof(wrong, representation)),
  userId: weighted(goodUserId, wrong),
  extIdpId: weighted(fc.constantFrom(WECHAT, WECHAT, GITHUB, UNUSED_SOURCE, 'e'.repeat(24)), wrong),
  // Left out, null, of an identity, of none, and what cannot be one.
  type: weighted(fc.constantFrom(undefined, undefined, null, 'openid', 'unionid', 'generic', 'none'), wrong),
  yes: weighted(fc.constant(true), wrong),
  no: weighted(fc.constant(false), wrong),
});

/** Any operation over this schema, near to what routers send or a step away from it. */
export const operation: fc.Arbitrary<Operation> = fc
  .record({
    document,
    variables,
    caller: fc.constantFrom<CallerKind>(...Array<'administrator'>(8).fill('administrator'), 'user', 'reader'),
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
    // Without a name there must be no choice, and 'Other' is no operation that routers send.
    const isFound =
      operationName === undefined || operationName === null ? !hasOther : operationName === name && name !== '';
    return { query, operationName, isCompiled: isCompiled && isFound, ...rest };
  });
