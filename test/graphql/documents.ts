import * as fc from 'fast-check';
import { userIdOf, WECHAT } from './users';

/** There are few response names, so that they collide: fields with the same name have to be merged. */
const alias = fc.constantFrom(...Array<string>(12).fill(''), 'a: ', 'b: ', 'id: ');
const directive = fc.constantFrom(
  ...Array<string>(30).fill(''),
  ...[' @skip(if: $yes)', ' @include(if: $yes)', ' @include(if: $no)', ' @skip(if: false)', ' @include(if: false)'],
  ' @skip(if: $no) @include(if: $yes)',
);
const leafOf = (names: readonly string[]) =>
  fc.tuple(alias, fc.constantFrom(...names), directive).map((parts) => parts.join(''));
const inBraces = (selections: readonly string[]): string => `{ ${selections.join(' ')} }`;

const IDENTITY_LEAVES = [
  ...['__typename', 'id', 'extIdpId', 'provider', 'type', 'userIdInIdp', 'userInfoInIdp', 'originConnIds', 'label'],
  ...['isLastWayToSignIn', 'unlinkBlockedBy'],
];

const sourceSelection = fc
  .array(leafOf(['id', 'name', 'provider', 'logo', '__typename']), { minLength: 1, maxLength: 3 })
  .map(inBraces);
const source = fc
  .tuple(fc.constantFrom('', '', 's: '), directive, sourceSelection)
  .map(([name, skip, fields]) => `${name}source${skip} ${fields}`);

const identitySelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: leafOf(IDENTITY_LEAVES) },
      { weight: 2, arbitrary: source },
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
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('', '', 'l: '), directive, sourceSelection)
      .map(([name, skip, fields]) => `${name}linkableSources${skip} ${fields}`),
  },
);

const entitySelection = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: userField.map((field) => `... on User { ${field} }`) },
      { weight: 1, arbitrary: fc.constantFrom('__typename', 't: __typename', '... { __typename }') },
      {
        weight: 1,
        arbitrary: fc.constantFrom('... on _Entity { ...Person }', '...Any', '... on _Entity { __typename }'),
      },
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
      {
        weight: 1,
        arbitrary: fc.constantFrom('... on _Entity { ...Person }', '...Any', '... on _Entity { __typename }'),
      },
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
  ['Any', 'fragment Any on _Entity { t: __typename ... on User { identities { id } } ...Maybe }'],
  ['Maybe', 'fragment Maybe on User { id @include(if: $yes) }'],
  ['Row', 'fragment Row on Identity { type extIdpId }'],
  ['Done', 'fragment Done on UnlinkIdentityPayload { success id: requestId user { __typename ...Person } }'],
  ['Ask', 'fragment Ask on Query { _entities(representations: $users) { ... on User { id } } }'],
  ['Act', 'fragment Act on Mutation { unlinkIdentity(userId: $userId, extIdpId: $extIdpId) { success } }'],
] as const;

const field = (name: string, args: string, selection: string): string => `${name}(${args}) ${selection}`;

const ENTITIES_ARGS = 'representations: $users';
const entitiesRoot = entitySelection.map((selection) => field('_entities', ENTITIES_ARGS, selection));
const queryRoot = fc.oneof(
  { weight: 16, arbitrary: entitiesRoot },
  { weight: 3, arbitrary: entitySelection.map((selection) => field('e: _entities', ENTITIES_ARGS, selection)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('_0', '_e1'), directive, entitySelection)
      .map(([name, skip, selection]) => `${name}: _entities(representations: $others)${skip} ${selection}`),
  },
  {
    weight: 1,
    arbitrary: entitySelection.map((selection) => `... on Query { ${field('_entities', ENTITIES_ARGS, selection)} }`),
  },
  {
    weight: 1,
    arbitrary: entitySelection.map((selection) =>
      field('l: _entities', `representations: [{ __typename: "User", id: "${userIdOf(1)}" }]`, selection),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('__typename', 't: __typename', '_service { sdl }', '...Ask', '...Ask') },
);

/** Root fields of queries that are compiled only if an operation has one of them, and no other. */
const listRoot = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', '', 'u: '),
        fc.constantFrom('(ids: $ids)', '(ids: $ids)', '', '(ids: [])'),
        userSelection,
      )
      .map(([name, args, selection]) => `${name}identityUsers${args} ${selection}`),
  },
  {
    weight: 1,
    arbitrary: userSelection.map(
      (selection) => `identityUsers(ids: ["${userIdOf(2)}", "no id", "${userIdOf(3)}"]) ${selection}`,
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('$extIdpId', '$extIdpId', `"${WECHAT}"`), userSelection)
      .map(([id, selection]) => field('usersByIdentity', `extIdpId: ${id}, userIdsInIdp: $accounts`, selection)),
  },
  { weight: 2, arbitrary: sourceSelection.map((selection) => `identitySources ${selection}`) },
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
  { weight: 2, arbitrary: fc.constant(`extIdpId: "${WECHAT}", type: "openid", userId: "${userIdOf(2)}"`) },
  { weight: 1, arbitrary: fc.constant(`userId: 7, extIdpId: "${WECHAT}"`) },
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

/** One root field, or several that a router combines. */
const rootsOf = (root: fc.Arbitrary<string>, more: string) =>
  fc.oneof(
    { weight: 6, arbitrary: root.map((one) => [one]) },
    { weight: 3, arbitrary: fc.array(root, { minLength: 2, maxLength: 3 }) },
    // The same field twice, with the same arguments. Both have to be merged.
    { weight: 1, arbitrary: root.map((one) => [one, one.replace(/^(\w+: )?(\w+\(.*?\)) .*$/, `$1$2 { ${more} }`)]) },
  );

const declarations = fc.record({
  users: fc.constantFrom(...Array<string>(12).fill('[_Any!]!'), '[_Any!]! = []'),
  ids: fc.constantFrom('[ID!]', '[ID!]', '[ID!]!', `[ID!] = ["${userIdOf(1)}"]`),
  accounts: fc.constant('[String!]!'),
  others: fc.constantFrom(
    ...Array<string>(12).fill('[_Any!]!'),
    `[_Any!]! = { __typename: "User", id: "${userIdOf(3)}" }`,
  ),
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
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('query'),
      roots: fc.tuple(listRoot, fc.constantFrom([], [], [], ['__typename'])).map(([root, more]) => [root, ...more]),
    }),
  },
  // Several of them are executed by graphql-js.
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('mixed query'),
      roots: fc
        .tuple(listRoot, fc.oneof(entitiesRoot, listRoot))
        .map(([one, other]) => [one, `m: ${other.replace(/^\w+: /, '')}`]),
    }),
  },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('query'), roots: rootsOf(queryRoot, '... on User { id }') }) },
  { weight: 14, arbitrary: fc.record({ type: fc.constant('mutation'), roots: rootsOf(mutationRoot, 'success') }) },
  // Apollo Server validates subscriptions, and rejects them only before the execution.
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('subscription'),
      roots: rootsOf(fc.oneof(queryRoot, mutationRoot), '__typename'),
    }),
  },
);

/** Unused variables and fragments are not allowed, so that they are declared where they occur. */
export const document = fc
  .tuple(kind, declarations, fc.constantFrom('Q', 'Q', 'Q', ''), fc.constantFrom('', '', '', '', '', 'first', 'last'))
  .map(([{ type: kindOfType, roots }, declared, name, other]) => {
    const isMixed = kindOfType === 'mixed query';
    const type = isMixed ? 'query' : kindOfType;
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
    return {
      query: !hasOther ? text : other === 'first' ? `${another} ${text}` : `${text} ${another}`,
      name,
      hasOther,
      isCompiled: type !== 'subscription' && !isMixed && !text.includes('_service'),
    };
  });
