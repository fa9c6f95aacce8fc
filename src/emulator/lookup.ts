import type { IdentityDto, UserDto, UserIdType } from '../genauth/api';
import { malformed } from './envelope';
import { flagOf, type RequestData } from './request';
import type { Store, StoredUser } from './store';
import type { Switches } from './switches';

/**
 * Finds the user that a look-up names.
 *
 * @throws {Refusal} The name cannot be one of its kind, for example an e-mail address without `@`.
 */
export function findUser(store: Store, userId: string, type: UserIdType): StoredUser | undefined {
  switch (type) {
    case 'user_id':
      return store.user(userId);
    case 'external_id':
      return withProfile(store, 'externalId', userId);
    case 'username':
      return withProfile(store, 'username', userId);
    case 'email':
      if (!/^[^@\s]+@[^@\s]+$/.test(userId)) throw malformed('userId');
      return withProfile(store, 'email', userId.toLowerCase());
    case 'phone':
      if (!/^\+?[\d -]{5,20}$/.test(userId)) throw malformed('userId');
      return withProfile(store, 'phone', userId);
    case 'identity':
      return withIdentity(store, 'extIdpId', userId);
    case 'sync_relation':
      return withIdentity(store, 'provider', userId);
    case 'custom_field': {
      const [field, value] = halves(userId);
      return store.users().find((user) => String(user.customData[field]) === value);
    }
  }
}

function withProfile(store: Store, field: 'externalId' | 'username' | 'email' | 'phone', value: string) {
  return store.users().find((user) => user.profile[field] === value);
}

function withIdentity(store: Store, field: 'extIdpId' | 'provider', userId: string) {
  const [where, who] = halves(userId);
  return store.users().find((user) => user.identities.some((row) => row[field] === where && row.userIdInIdp === who));
}

/** `<where>:<who>`, of which only the second may hold further colons. */
function halves(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw malformed('userId');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** Writes a user as the wire has it, with what the request asks for. */
export function toUserDto(
  user: StoredUser,
  asked: RequestData,
  switches: Switches,
  identities: readonly IdentityDto[] = user.identities,
): UserDto {
  const dto: UserDto =
    switches.noValue === 'null'
      ? { ...user.profile }
      : (Object.fromEntries(Object.entries(user.profile).filter(([, value]) => value !== null)) as unknown as UserDto);
  if (flagOf(asked, 'withCustomData')) dto.customData = { ...user.customData };
  if (!flagOf(asked, 'withIdentities')) return dto;
  if (identities.length > 0 || switches.noIdentities === 'empty') dto.identities = toIdentityDtos(identities, switches);
  else if (switches.noIdentities === 'null') dto.identities = null;
  return dto;
}

export function toIdentityDtos(identities: readonly IdentityDto[], switches: Switches): IdentityDto[] {
  if (switches.userInfoInIdp === 'present' && switches.identityTokens === 'present') return [...identities];
  return identities.map((identity) => {
    const row = { ...identity };
    if (switches.userInfoInIdp === 'absent') delete row.userInfoInIdp;
    if (switches.identityTokens === 'absent') {
      delete row.accessToken;
      delete row.refreshToken;
    }
    return row;
  });
}
