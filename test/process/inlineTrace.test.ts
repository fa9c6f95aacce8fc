import { type Emulator, startEmulator } from '../../src/emulator';
import { type Issuer, startIssuer } from '../support/issuer';
import { type Main, startMain } from '../support/main';
import { credentials, ENTITIES, post, representations, strictEnv, userIdsOf } from '../support/stack';

describe("Apollo's inline trace of dist/main.js", () => {
  let emulator: Emulator;
  let issuer: Issuer;
  let main: Main | undefined;

  beforeAll(async () => {
    [emulator, issuer] = await Promise.all([startEmulator(), startIssuer()]);
  });
  afterEach(() => main?.stop('SIGKILL'));
  afterAll(() => Promise.all([emulator.close(), issuer.close()]));

  test.each([
    ['is added for a router that requests it', 'strict', expect.any(String)],
    ['is not added for callers without a router', 'jwt', undefined],
  ])('%s, in mode %s', async (_what, mode, expected) => {
    main = await startMain(emulator, { ...strictEnv(issuer), AUTH_MODE: mode });
    const body = { query: ENTITIES, variables: representations(userIdsOf(emulator)) };
    const response = await post(`${main.url}/graphql`, body, {
      'apollo-federation-include-trace': 'ftv1',
      ...credentials(issuer.token({ scope: 'identity:read' })),
    });
    const { data, extensions } = (await response.json()) as { data: object | null; extensions?: { ftv1?: string } };
    expect(data).toEqual({ _entities: expect.any(Array) });
    expect(extensions?.ftv1).toEqual(expected);
  });
});
