import { DEFAULT_TYPE, type GenAuthId, type IdParser, parseAccountId, parseIdentityType } from '../genauth';
import { NotExecutedError } from './errors';
import type { LinkRequest } from './link';
import type { UnlinkRequest } from './unlink';

/** The arguments of an unlink, not checked yet. `type` left out or null: every identity under the source. */
export interface RequestedUnlink {
  userId: string;
  extIdpId: string;
  type?: string | null;
}

/** The arguments of a link, not checked yet. `type` left out or null: `generic`, as GenAuth documents. */
export interface RequestedLink extends RequestedUnlink {
  userIdInIdp: string;
}

/** @throws {NotExecutedError} The id is not one of the user pool. */
export function checkUserId(parseId: IdParser, userId: string): GenAuthId {
  return orNotExecuted(() => parseId('userId', userId));
}

/** @throws {NotExecutedError} One of the arguments is invalid. */
export function checkUnlink(parseId: IdParser, { userId, extIdpId, type }: RequestedUnlink): UnlinkRequest {
  return orNotExecuted(() => ({
    userId: parseId('userId', userId),
    extIdpId: parseId('extIdpId', extIdpId),
    ...(type === undefined || type === null ? {} : { type: parseIdentityType('type', type) }),
  }));
}

/** @throws {NotExecutedError} One of the arguments is invalid. */
export function checkLink(parseId: IdParser, { userId, extIdpId, userIdInIdp, type }: RequestedLink): LinkRequest {
  return orNotExecuted(() => ({
    userId: parseId('userId', userId),
    extIdpId: parseId('extIdpId', extIdpId),
    userIdInIdp: parseAccountId('userIdInIdp', userIdInIdp),
    // Named even if it is the default, so that reads can tell whether the identity exists.
    type: parseIdentityType('type', type ?? DEFAULT_TYPE),
  }));
}

function orNotExecuted<Value>(check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    throw new NotExecutedError(error);
  }
}
