import { EXIT, type ExitCode, type NotAllowedError, UnavailableError, UsageError } from './errors';
import { HEADING, rowOf } from './list';
import { findSource } from './sources';
import type { Supergraph } from './supergraph';
import { complain, confirm, print, printable, table } from './terminal';
import { identitiesUnder, type Result, unlinkUser } from './unlinkUser';
import { type Identity, type ReadUser, readUsers } from './users';

export interface UnlinkOneCommand {
  userId: string;
  /** Id or name. */
  source: string;
  type?: string | undefined;
  yes: boolean;
  keepLast: boolean;
  revokeSessions: boolean;
}

/** Unlinks one user, and shows what is left. */
export async function unlinkOne(command: UnlinkOneCommand, supergraph: Supergraph): Promise<ExitCode> {
  const { userId, type, keepLast, revokeSessions } = command;
  const source = await findSource(supergraph, command.source);
  const name = `${printable(source.name)} (${source.id})`;
  const user = await read(supergraph, userId);
  if (user === null) {
    complain(`There is no user ${printable(userId)}.`);
    return EXIT.done;
  }
  const linked = identitiesUnder(user.identities, { extIdpId: source.id, type });
  if (linked.length === 0) {
    complain(
      `${printable(userId)} is not linked to ${name}${type === undefined ? '' : ` with the type ${printable(type)}`}.`,
    );
    return EXIT.done;
  }
  complain(identityTable(userId, linked));
  if (!command.yes) await confirm(`Unlink ${printable(userId)} from ${name}?`, supergraph.signal);
  let refusal: NotAllowedError | undefined;
  const result = await unlinkUser(
    { supergraph, extIdpId: source.id, type, keepLast, revokeSessions },
    {
      user,
      begun: undefined,
      onSend: () => Promise.resolve(),
      onNotAllowed: (error) => (refusal = error),
    },
  );
  complain(sentenceOf(result));
  if (refusal !== undefined) throw refusal;
  const after = await read(supergraph, userId);
  print(
    after === null || after.identities.length === 0 ? 'Nothing is linked.' : identityTable(userId, after.identities),
  );
  return result.state === 'unlinked' || result.state === 'notLinked' ? EXIT.done : EXIT.left;
}

async function read(supergraph: Supergraph, userId: string): Promise<ReadUser | null> {
  const [user = null] = await readUsers(supergraph, [userId]);
  if (typeof user !== 'string') return user;
  const problem = `${printable(userId)} cannot be read (${printable(user)}).`;
  throw user === 'BAD_USER_INPUT' ? new UsageError(problem) : new UnavailableError(problem);
}

function identityTable(userId: string, identities: readonly Identity[]): string {
  return table([HEADING, ...identities.map((identity) => rowOf(userId, identity))]);
}

const SENTENCES: Readonly<Record<Result['state'], string>> = {
  sending: '',
  linked: '',
  unlinked: 'Unlinked.',
  notLinked: 'Nothing was linked any more.',
  kept: 'Kept, because it is the last way to sign in.',
  refused: 'Refused. Nothing was changed.',
  stillLinked: 'The outcome is not known, and the account is still linked. Read it again later.',
  unknown: 'The outcome is not known. Read the user before you try again.',
  failed: 'Not done.',
};

function sentenceOf({ state, code, apiCode, operationId, signedOut }: Result): string {
  const ids = [
    ...(code === undefined ? [] : [code]),
    ...(apiCode === undefined ? [] : [`apiCode ${apiCode}`]),
    ...(operationId === undefined ? [] : [`operationId ${operationId}`]),
  ];
  const details = ids.length === 0 ? '' : ` (${printable(ids.join(', '))})`;
  return `${SENTENCES[state]}${signedOut === true ? ' Signed out.' : ''}${details}`;
}
