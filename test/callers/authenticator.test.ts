import { type Authenticator, createAuthenticator, UnauthenticatedError } from '../../src/callers';
import { AUDIENCE, type Issuer, startIssuer, SUBJECT } from '../support/issuer';

const SECRET = 'the-secret-of-the-router-of-the-tests';

describe('an authenticator in strict mode', () => {
  let issuer: Issuer;
  let authenticator: Authenticator;

  beforeAll(async () => {
    issuer = await startIssuer();
    authenticator = createAuthenticator({
      mode: 'strict',
      routerSecrets: [SECRET],
      tokens: { issuer: issuer.url, audience: [AUDIENCE], jwksUri: issuer.jwksUri },
      onKeysFailure: ({ reason }) => {
        throw new Error(reason);
      },
    });
    await authenticator.start();
  });
  afterAll(async () => {
    await authenticator.close();
    await issuer.close();
  });

  test('checks the secret of the router with every request, also for a token that it has verified before', async () => {
    const authorization = [`Bearer ${issuer.token()}`];
    const accepted = await authenticator.authenticate({ routerAuthorization: [SECRET], authorization });
    expect(accepted).toMatchObject({ sub: SUBJECT });
    for (const routerAuthorization of [[], [''], [`${SECRET}0`], [SECRET, SECRET]]) {
      await expect(authenticator.authenticate({ routerAuthorization, authorization })).rejects.toThrow(
        UnauthenticatedError,
      );
    }
    expect(await authenticator.authenticate({ routerAuthorization: [SECRET], authorization })).toBe(accepted);
  });
});
