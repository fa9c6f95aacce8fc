import { useEffect, useRef } from 'react';
import type { Account } from './accounts';

interface ConfirmDialogProps {
  account: Account;
  /** Called once, when the dialog has been closed. The browser has returned the focus by then. */
  onAnswer: (isConfirmed: boolean) => void;
}

/** Asks whether to disconnect an account, and says what will be lost. Escape means no. */
export function ConfirmDialog({ account: { name, labels, isLastWayToSignIn }, onAnswer }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question"
      aria-describedby="consequence"
      onClose={({ currentTarget }) => onAnswer(currentTarget.returnValue === 'disconnect')}
    >
      <form method="dialog">
        <h2 id="question">Disconnect {name}?</h2>
        <div id="consequence">
          <p>
            You will no longer be able to sign in with your {name} account{labels.length > 0 && ' '}
            {labels.length > 0 && <bdi className="name">{new Intl.ListFormat('en').format(labels)}</bdi>}.
          </p>
          {isLastWayToSignIn && <p className="reason">It is your last way to sign in: you would lose this account.</p>}
          <p className="muted">Your other ways to sign in stay as they are. To use {name} again, connect it again.</p>
        </div>
        <menu>
          <button value="cancel">Cancel</button>
          <button value="disconnect" className="danger">
            Disconnect {name}
          </button>
        </menu>
      </form>
    </dialog>
  );
}
