import { ApolloGateway } from '@apollo/gateway';
import { printSubgraphSchema } from '@apollo/subgraph';
import type { PolicyOptions } from '../../src/callers';
import { loadSchema, withAuthorization } from '../../src/graphql';
import { COMPOSERS, type Composition, USERS_SDL } from '../support/composers';
import { ROOT, run, TSX } from '../support/process';

const SDL = printSubgraphSchema(loadSchema());
const POLICY: PolicyOptions = {
  scopeRead: 'identity:read',
  scopeUnlink: 'unlink:"any"',
  scopeLink: 'identity:link',
  scopeSessions: 'identity:sessions',
  selfUnlink: 'allow',
  selfUnlinkMaxAgeMs: 0,
};
const DENYING: PolicyOptions = { ...POLICY, scopeUnlink: 'identity:unlink', selfUnlink: 'deny' };

function addedTo(sdl: string): string[] {
  const before = new Set(SDL.split('\n'));
  return sdl
    .split('\n')
    .filter((line) => !before.has(line))
    .map((line) => line.trim());
}

type Compose = (typeof COMPOSERS)[string];

function composeWith(compose: Compose | undefined, sdl: string): Composition {
  const users = { name: 'users', url: 'http://users.example/graphql', sdl: USERS_SDL };
  const identities = { name: 'identities', url: 'http://identities.example/graphql', sdl };
  return compose?.([users, identities]) ?? { supergraph: null, errors: ['no such composer'] };
}

const READS = [
  'identities: [Identity!] @semanticNonNull @cost(weight: 5) @listSize(assumedSize: 10) @authenticated',
  'linkableSources: [IdentitySource!] @listSize(assumedSize: 10) @authenticated',
  '): [User]! @listSize(assumedSize: 50) @authenticated',
  '): [User]! @listSize(assumedSize: 50) @authenticated @requiresScopes(scopes: [["identity:read"]])',
  'identitySources: [IdentitySource!] @semanticNonNull @listSize(assumedSize: 10) @authenticated',
];

describe('the SDL with authorization', () => {
  test('requires authentication only, if users may unlink their own identities', () => {
    expect(addedTo(withAuthorization(SDL, POLICY))).toEqual([
      expect.stringMatching(/^@link\(.*"@listSize", "@composeDirective", "@authenticated", "@requiresScopes"\]\)$/),
      ...READS,
      '): UnlinkIdentityPayload @semanticNonNull @cost(weight: 10) @authenticated',
      '): LinkIdentityPayload @semanticNonNull @cost(weight: 10) @authenticated @requiresScopes(scopes: [["identity:link"]])',
      '): RevokeSessionsPayload @semanticNonNull @cost(weight: 10) @authenticated',
    ]);
  });

  test('requires the scope as well, if users may not unlink their own identities', () => {
    expect(addedTo(withAuthorization(SDL, DENYING))).toEqual([
      expect.stringMatching(/^@link\(.*"@listSize", "@composeDirective", "@authenticated", "@requiresScopes"\]\)$/),
      ...READS,
      '): UnlinkIdentityPayload @semanticNonNull @cost(weight: 10) @authenticated @requiresScopes(scopes: [["identity:unlink"]])',
      '): LinkIdentityPayload @semanticNonNull @cost(weight: 10) @authenticated @requiresScopes(scopes: [["identity:link"]])',
      '): RevokeSessionsPayload @semanticNonNull @cost(weight: 10) @authenticated',
    ]);
  });

  test.each([
    ['a field of another name', SDL.replace('  identities: ', '  links: '), 'User.identities'],
    ['no mutation', SDL.replace('  unlinkIdentity(', '  unlink('), 'Mutation.unlinkIdentity'],
    ['no link to federation', SDL.replace('specs.apollo.dev/federation', 'specs.example/federation'), '@link'],
  ])('is not printed without the protection of a field: %s', (_title, sdl, missing) => {
    expect(sdl).not.toBe(SDL);
    expect(() => withAuthorization(sdl, POLICY)).toThrow(missing);
  });

  test.each(Object.entries(COMPOSERS))('composes with %s', (name, compose) => {
    const { errors, supergraph } = composeWith(compose, withAuthorization(SDL, DENYING));
    expect(errors).toEqual([]);
    if (name === '@wundergraph/composition') return;
    expect(supergraph).toMatch(/ identities: \[Identity!\].* @authenticated/);
    expect(supergraph).toMatch(/ unlinkIdentity\([\s\S]*?\): .* @requiresScopes\(scopes: \[\["identity:unlink"\]\]\)/);
  });
});

describe('@apollo/gateway', () => {
  async function load(sdl: string): Promise<void> {
    const { supergraph } = composeWith(COMPOSERS['@apollo/composition'], sdl);
    const log = (): void => undefined;
    const gateway = new ApolloGateway({
      supergraphSdl: supergraph ?? '',
      logger: { debug: log, info: log, warn: log, error: log },
    });
    await gateway.load();
    await gateway.stop();
  }

  test('loads the SDL that is printed by default', async () => {
    await expect(load(SDL)).resolves.toBeUndefined();
  });

  test('rejects the SDL with authorization, which is why that is not the default', async () => {
    await expect(load(withAuthorization(SDL, POLICY))).rejects.toThrow(/for: SECURITY but is unsupported/);
  });
});

describe('npm run schema:print', () => {
  async function print(args: readonly string[], env: Record<string, string> = {}): Promise<[number | null, string]> {
    const command = run([...TSX, `${ROOT}/src/printSchema.ts`, ...args], env);
    return [await command.exited, command.output()];
  }

  test('prints the SDL that the service serves', async () => {
    expect(await print([], { SELF_UNLINK: 'deny' })).toEqual([0, `${SDL}\n`]);
  });

  test('prints the SDL with authorization for the policy variables of the service, and needs no other variables', async () => {
    expect(await print(['--authorization'])).toEqual([0, `${withAuthorization(SDL, POLICY)}\n`]);
    const denying = { SELF_UNLINK: 'deny', SCOPE_UNLINK: 'accounts.unlink' };
    const expected = withAuthorization(SDL, { ...DENYING, scopeUnlink: 'accounts.unlink' });
    expect(await print(['--authorization'], denying)).toEqual([0, `${expected}\n`]);
  });

  test.each([
    ['an unknown option', ['--authorisation'], {}],
    ['an invalid variable', ['--authorization'], { SELF_UNLINK: 'no' }],
  ])('prints no SDL after %s', async (_title, args, env) => {
    const [code, output] = await print(args, env);
    expect(code).not.toBe(0);
    expect(output).not.toContain('type User');
  });
});
