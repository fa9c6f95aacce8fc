import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { ErrorLink } from '@apollo/client/link/error';
import { ApolloProvider } from '@apollo/client/react';
import { StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { isUnauthenticated, typePolicies } from '../../../src/client';
import { ConnectedAccounts } from './ConnectedAccounts';
import { Faults } from './Faults';
import { dropToken, takeToken } from './session';

/** Longer than the gateway's time limit. A response that is later than that counts as lost. */
const TIMEOUT_MS = 20_000;

/** Creates a client for one token. Its cache ends with it: another person never sees what it contains. */
function createClient(token: string, signOut: () => void): ApolloClient {
  const http = new HttpLink({
    uri: '/graphql',
    headers: { authorization: `Bearer ${token}` },
    fetch: (input, init = {}) => {
      const signals = [AbortSignal.timeout(TIMEOUT_MS), init.signal].filter((signal) => signal instanceof AbortSignal);
      return fetch(input, { ...init, signal: AbortSignal.any(signals) });
    },
  });
  const onError = new ErrorLink(({ error, result }) => {
    if (isUnauthenticated(error) || isUnauthenticated(result)) signOut();
  });
  return new ApolloClient({ cache: new InMemoryCache({ typePolicies }), link: ApolloLink.from([onError, http]) });
}

function Page() {
  const [token, setToken] = useState(takeToken);
  const [isExpired, setExpired] = useState(false);
  useEffect(() => {
    const take = (): void => setToken(takeToken());
    addEventListener('hashchange', take);
    // A link may have been opened between the first rendering and now.
    take();
    return () => removeEventListener('hashchange', take);
  }, []);
  const client = useMemo(() => {
    if (token === null) return null;
    return createClient(token, () => {
      dropToken();
      setExpired(true);
      setToken(null);
    });
  }, [token]);

  if (client === null) return <SignIn isExpired={isExpired} />;
  return (
    <ApolloProvider client={client}>
      <ConnectedAccounts key={token} />
      <Faults />
    </ApolloProvider>
  );
}

function SignIn({ isExpired }: { isExpired: boolean }) {
  return (
    <main className="sign-in">
      <h1>Connected accounts</h1>
      <p role="status">{isExpired ? 'Your session has ended. Please sign in again.' : 'Please sign in.'}</p>
      <p className="muted">
        Open one of the links that <code>npm run example</code> has printed. In your application, this is the place for
        a link to your sign-in page.
      </p>
    </main>
  );
}

createRoot(document.querySelector('#page') ?? document.body).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
