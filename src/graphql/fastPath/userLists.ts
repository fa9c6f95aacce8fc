import type { Identities, ListedUser } from '../../identities';
import { LARGE, pace } from '../pace';
import { writeList } from './entities';
import type { CompileRoots, RootField, Run } from './plan';
import { compileUser, type UserPlan, type UserValue } from './user';
import { type Argument, compileArgument, type Values } from './variables';

/** Reads the users of a list for the variables of a request. @returns null if graphql-js has to coerce an argument. */
type Reading = (values: Values) => ((identities: Identities) => Promise<ListedUser[]>) | null;

/** Compiles a query of one `identityUsers` field. */
export const compileIdentityUsers: CompileRoots = (fields, selecting) =>
  compileList(fields, selecting, ({ nodes: [node] }) => {
    const idsOf = compileArgument(node, 'ids');
    return (
      idsOf &&
      ((values) => {
        const ids = idsOf(values) ?? null;
        if (ids !== null && !areTexts(ids)) return null;
        return ({ lists }) => lists.byId(ids);
      })
    );
  });

/** Compiles a query of one `usersByIdentity` field. */
export const compileUsersByIdentity: CompileRoots = (fields, selecting) =>
  compileList(fields, selecting, ({ nodes: [node] }) => {
    const extIdpIdOf: Argument | null = compileArgument(node, 'extIdpId');
    const userIdsOf = compileArgument(node, 'userIdsInIdp');
    if (extIdpIdOf === null || userIdsOf === null) return null;
    return (values) => {
      const extIdpId = extIdpIdOf(values);
      const userIds = userIdsOf(values);
      if (typeof extIdpId !== 'string' || !areTexts(userIds)) return null;
      return ({ lists }) => lists.byAccount(extIdpId, userIds);
    };
  });

/** A literal list of ids may contain numbers, which graphql-js coerces. */
function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function compileList(
  [field, ...others]: Parameters<CompileRoots>[0],
  selecting: Parameters<CompileRoots>[1],
  compileReading: (field: RootField) => Reading | null,
): ReturnType<CompileRoots> {
  if (field === undefined || others.length > 0) return null;
  const reading = compileReading(field);
  const user = compileUser(field.nodes, selecting);
  if (reading === null || user === null) return null;
  return (values) => {
    const read = reading(values);
    if (read === null) return null;
    return [
      async (run) => {
        const [users, pool] = await Promise.all([read(run.identities), run.identities.pool.read(user.needs)]);
        if (users.length > LARGE) await pace.restIfDue();
        return writeList(await toValues(users, field, user, { pool, run }), user);
      },
    ];
  };
}

/** Makes the values of users, and adds their errors in the order in which graphql-js does: those of items before all others. */
async function toValues(
  users: readonly ListedUser[],
  { nodes, responseName }: RootField,
  user: UserPlan,
  { pool, run }: { pool: Awaited<ReturnType<Identities['pool']['read']>>; run: Run },
): Promise<(UserValue | null)[]> {
  const { identities: request, errors } = run;
  users.forEach((item, index) => {
    if (item instanceof Error) errors.add(item, nodes, [responseName, index]);
  });
  const values: (UserValue | null)[] = [];
  for (const [index, item] of users.entries()) {
    const isUser = item !== null && !(item instanceof Error);
    values.push(isUser ? user.toValue(item.id, item.read, { request, pool }, [responseName, index], errors) : null);
    if (pace.isDue) await pace.rest();
  }
  return values;
}
