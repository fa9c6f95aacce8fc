import type { IdentityDto, UserDto } from '../genauth/api';
import { flagOf } from './parameters';
import { stringifyJson } from './rawJson';
import type { RequestData } from './request';
import type { StoredUser } from './store';
import type { Switches } from './switches';
import type { UserPool } from './userPool';

/** Returns the identities of a user as a read sees them, `readLagMs` behind. */
export function identitiesAsRead({ store, switches }: UserPool, user: StoredUser): readonly IdentityDto[] {
  if (switches.readLagMs === 0) return user.identities;
  return store.identitiesAt(user.profile.userId, Date.now() - switches.readLagMs);
}

/** Writes a user with the members that a request asks for. */
export function toUserDto(
  user: StoredUser,
  request: RequestData,
  switches: Switches,
  identities: readonly IdentityDto[],
): UserDto {
  const dto: UserDto =
    switches.noValue === 'null'
      ? { ...user.profile }
      : (Object.fromEntries(Object.entries(user.profile).filter(([, value]) => value !== null)) as unknown as UserDto);
  if (flagOf(request, 'withCustomData')) dto.customData = { ...user.customData };
  if (flagOf(request, 'withIdentities')) {
    const member = identitiesMember(user, identities, switches);
    // The type says what GenAuth documents. A pool can hold what GenAuth may send instead.
    if (member !== undefined) dto.identities = member as IdentityDto[] | null;
  }
  return Object.assign(dto, user.rawMembers);
}

/** Writes the identities of a user in the form that the user or the switches have. undefined: no such member. */
function identitiesMember(user: StoredUser, identities: readonly IdentityDto[], switches: Switches): unknown {
  const isEmptyList = identities.length === 0 && user.identitiesAs === 'list';
  if (isEmptyList && switches.noIdentities !== 'empty') return switches.noIdentities === 'null' ? null : undefined;
  return toIdentities(user, identities, switches);
}

/** Writes the identities of a user as get-user-identities returns them. */
export function toIdentities(user: StoredUser, identities: readonly IdentityDto[], switches: Switches): unknown {
  const rows = user.areRowsRaw ? [...identities] : toIdentityDtos(identities, switches);
  switch (user.identitiesAs) {
    case 'list':
      return rows;
    case 'object':
      return rows.length === 1 ? rows[0] : rows;
    case 'text':
      return stringifyJson(rows);
    case 'null':
      return null;
    case 'absent':
      return undefined;
  }
}

function toIdentityDtos(identities: readonly IdentityDto[], switches: Switches): IdentityDto[] {
  const { userInfoInIdp, identityTokens, originConnIds } = switches;
  if (userInfoInIdp === 'present' && identityTokens === 'present' && originConnIds === 'list') return [...identities];
  return identities.map((identity) => {
    const row: Record<string, unknown> = { ...identity };
    if (userInfoInIdp === 'absent') delete row['userInfoInIdp'];
    if (userInfoInIdp === 'text' && identity.userInfoInIdp)
      row['userInfoInIdp'] = stringifyJson(identity.userInfoInIdp);
    if (originConnIds === 'text') row['originConnIds'] = JSON.stringify(identity.originConnIds);
    if (identityTokens === 'absent') {
      delete row['accessToken'];
      delete row['refreshToken'];
    }
    // As above: a text in place of an object or a list is what the switches are for.
    return row as unknown as IdentityDto;
  });
}
