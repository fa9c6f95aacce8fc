import { NetworkStatus } from '@apollo/client';
import { useQuery } from '@apollo/client/react';
import { type ComponentProps, type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Account, accountsOf } from './accounts';
import { ConfirmDialog } from './ConfirmDialog';
import { Countdown } from './Countdown';
import { Logo } from './Logo';
import { CONNECTED_ACCOUNTS, useUnlink } from './useUnlink';

/** The accounts that a person signs in with. Each can be disconnected, unless it is the last way to sign in. */
export function ConnectedAccounts() {
  // `all`: an error at the accounts must not take the person's name away.
  const { data, error, loading, networkStatus, refetch } = useQuery(CONNECTED_ACCOUNTS, { errorPolicy: 'all' });
  const readAgain = (): void => void refetch().catch(() => undefined);
  const { results, unlink, check } = useUnlink(data?.me?.id, readAgain);
  const [asked, setAsked] = useState<Account | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const { name, identities, linkableSources } = data?.me ?? {};
  const isUnknownPerson = data?.me === null && error === undefined;

  function ask(account: Account): void {
    // The last dialog is removed first: browsers report its end after they return the focus, so a quick key can be earlier.
    flushSync(() => setAsked(null));
    setAsked(account);
  }

  function answer(isConfirmed: boolean): void {
    setAsked(null);
    if (asked !== null && isConfirmed) void unlink(asked);
  }

  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        Connected accounts
      </h1>
      <p className="muted">
        {name ? 'Signed in as ' : 'These are the accounts that you can sign in with.'}
        {name && <bdi className="person">{name}</bdi>}
      </p>
      <div role="status">
        {[...results].map(([key, { account, tone, text, retryAt, isUnknown = false }]) => (
          <p key={key} className={`result ${tone}`}>
            <span>
              {text} {retryAt !== undefined && <Countdown key={retryAt} until={retryAt} />}
            </span>
            {isUnknown && (
              <Button heading={heading} onClick={() => void check(account)}>
                Check again
              </Button>
            )}
          </p>
        ))}
      </div>
      {!identities && networkStatus === NetworkStatus.loading && <p className="empty">Loading your accounts…</p>}
      {!identities && networkStatus !== NetworkStatus.loading && (
        <p role="alert" className="result bad">
          <span>
            {isUnknownPerson
              ? 'You are not known here. Please sign in with another account.'
              : 'Your accounts cannot be shown now. The problem is on our side.'}
          </span>
          <Button heading={heading} onClick={readAgain} aria-disabled={loading}>
            {loading ? 'Trying…' : 'Try again'}
          </Button>
        </p>
      )}
      {identities?.length === 0 && <p className="empty">No account is connected.</p>}
      {identities && identities.length > 0 && (
        <ul aria-label="Connected accounts" role="list" className="card">
          {accountsOf(identities).map((account) => (
            <Item
              key={account.key}
              account={account}
              isBusy={results.get(account.key)?.tone === 'busy'}
              onDisconnect={() => ask(account)}
              heading={heading}
            />
          ))}
        </ul>
      )}
      {linkableSources && linkableSources.length > 0 && (
        <section>
          <h2 id="linkable">You can also connect</h2>
          <ul aria-labelledby="linkable" role="list" className="chips">
            {linkableSources.map((source) => (
              <li key={source.id}>
                <Logo {...source} /> <bdi>{source.name}</bdi>
              </li>
            ))}
          </ul>
        </section>
      )}
      {asked && <ConfirmDialog account={asked} onAnswer={answer} />}
    </main>
  );
}

interface ItemProps {
  account: Account;
  /** Whether an unlink of the account is running, or its outcome is being checked. */
  isBusy: boolean;
  onDisconnect: () => void;
  heading: RefObject<HTMLElement | null>;
}

function Item({ account: { key, name, logo, labels, blocked }, isBusy, onDisconnect, heading }: ItemProps) {
  const isDisabled = blocked !== null || isBusy;
  return (
    <li>
      <Logo name={name} logo={logo} />
      <div id={`about-${key}`} className="about">
        <bdi className="name">{name}</bdi>
        {labels.map((label) => (
          <bdi key={label} className="muted">
            {label}
          </bdi>
        ))}
        {blocked !== null && <p className="reason">{blocked}</p>}
      </div>
      <Button
        heading={heading}
        takesFocusBack
        // Unlike `disabled`, this keeps the button in the order of the Tab key, so that its reason can be found.
        aria-disabled={isDisabled}
        aria-describedby={`about-${key}`}
        onClick={isDisabled ? undefined : onDisconnect}
      >
        Disconnect <span className="hidden">{name}</span>
      </Button>
    </li>
  );
}

interface ButtonProps extends ComponentProps<'button'> {
  heading: RefObject<HTMLElement | null>;
  /** Default false. Whether the button takes the focus from the heading when it appears. */
  takesFocusBack?: boolean;
}

/** A button whose focus goes to the heading when it disappears. */
function Button({ heading, takesFocusBack = false, ...props }: ButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const [own, other] = [button.current, heading.current];
    // An account is back, because no unlink was confirmed. The focus returns with it, unless the person has moved it.
    if (takesFocusBack && document.activeElement === other) own?.focus();
    return () => {
      // The focus would be lost with the button (https://github.com/microsoft/fluentui/issues/18204). A layout effect ends
      // before its elements are removed.
      if (document.activeElement === own) other?.focus();
    };
  }, [heading, takesFocusBack]);
  return <button ref={button} {...props} />;
}
