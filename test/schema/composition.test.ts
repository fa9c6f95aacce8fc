import { printSubgraphSchema } from '@apollo/subgraph';
import { loadSchema } from '../../src/graphql/schema';
import { COMPOSERS, USERS_SDL } from '../support/composers';

const users = { name: 'users', url: 'http://users.example/graphql', sdl: USERS_SDL };
const identities = {
  name: 'identities',
  url: 'http://identities.example/graphql',
  sdl: printSubgraphSchema(loadSchema()),
};

describe.each(Object.entries(COMPOSERS))('with %s', (name, compose) => {
  test('the subgraph composes with the subgraph that owns User', () => {
    const { errors, supergraph } = compose([users, identities]);
    expect(errors).toEqual([]);
    if (name !== '@wundergraph/composition') expect(supergraph).toMatch(/identities: \[Identity!\]/);
  });

  test('a subgraph with another type under the same name does not compose', () => {
    const other = { ...users, name: 'other', sdl: `${USERS_SDL} type Identity { id: Int! }` };
    expect(compose([other, identities]).errors).not.toEqual([]);
  });
});
