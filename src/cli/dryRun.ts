import { EXIT, type ExitCode } from './errors';
import { History } from './history';
import { Progress } from './progress';
import { findSource } from './sources';
import type { Supergraph } from './supergraph';
import { countTargets, InvalidLines, readTargets, type Target } from './targets';
import { complain, print } from './terminal';
import type { UnlinkFileCommand } from './unlinkFile';
import { identitiesUnder } from './unlinkUser';

/** Counts what a run would find. Changes nothing, and neither reads nor writes a journal. */
export async function dryRun({ source, file }: UnlinkFileCommand, supergraph: Supergraph): Promise<ExitCode> {
  const { id: extIdpId } = await findSource(supergraph, source);
  const history = new History({ kind: file.kind, extIdpId, revokeSessions: false, path: '' });
  const counts = {
    users: (await countTargets(file, history)).new,
    linked: 0,
    notLinked: 0,
    lockedOut: 0,
    unreadable: 0,
  };
  const invalid = new InvalidLines(file);
  let undecided = 0;
  const { users } = counts;
  const doneOf = (): number => counts.linked + counts.notLinked + counts.unreadable;
  const progress = new Progress(() => ({ done: doneOf(), all: users, note: '' }));
  const add = ({ line, read }: Target): void => {
    if (typeof read === 'string') {
      counts.unreadable++;
      if (read === 'BAD_USER_INPUT') invalid.add(line);
      return;
    }
    if (read !== null && !history.beginOwner(read.id)) {
      counts.users--;
      return;
    }
    const linked = identitiesUnder(read?.identities ?? [], { extIdpId });
    if (linked.length === 0) counts.notLinked++;
    else counts.linked++;
    if (linked.some(({ isLastWayToSignIn }) => isLastWayToSignIn === true)) counts.lockedOut++;
    else if (linked.some(({ isLastWayToSignIn }) => isLastWayToSignIn === null)) undecided++;
  };
  try {
    for await (const batch of readTargets({ file, extIdpId, supergraph, history, onOther: () => undefined }))
      batch.forEach(add);
  } finally {
    progress.stop();
  }
  invalid.end();
  if (undecided > 0) complain(`Whether ${undecided} of the linked users would be locked out could not be read.`);
  print(JSON.stringify({ dryRun: true, ...counts }));
  return EXIT.done;
}
