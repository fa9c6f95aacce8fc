import type { BasicLoginMethod, UserDto } from '../genauth/api';

/** The contents of a user pool at the start, as a person would write them. */
export interface Seed {
  extIdps: SeedExtIdp[];
  /** Default: none. */
  applications?: SeedApplication[];
  users: SeedUser[];
}

/** An identity source with its connections. */
export interface SeedExtIdp {
  /** Default: generated. */
  id?: string;
  name: string;
  /** The provider, such as `wechat` or `azure-ad`. */
  type: string;
  /** Default: a URL that nothing serves. */
  logo?: string;
  /** Default: one connection with the identifier `my-<type>`. */
  connections?: { id?: string; identifier: string; type?: string; displayName?: string }[];
}

/** An application, and the ways to sign in to it. */
export interface SeedApplication {
  /** Default: generated. */
  id?: string;
  name: string;
  /** Default: all but SELF_BUILT_APP_QRCODE. */
  basicLoginMethods?: BasicLoginMethod[];
  /** Default: every connection of the seed. The identifiers of the connections that are enabled. */
  connections?: string[];
  /** Default: none. The identifiers of connections that are listed with `enabled` false. */
  disabledConnections?: string[];
}

export interface SeedUser {
  /** Default: generated. */
  id?: string;
  name?: string;
  nickname?: string;
  username?: string;
  email?: string;
  phone?: string;
  externalId?: string;
  /** Default 'Activated'. */
  status?: UserDto['status'];
  /** Default: whether there is an e-mail address. */
  emailVerified?: boolean;
  /** Default: whether there is a phone number. */
  phoneVerified?: boolean;
  /** Default false. */
  hasPassword?: boolean;
  customData?: Record<string, unknown>;
  /** Default: none. */
  identities?: SeedIdentity[];
  /** Rows that responses contain exactly as given, in place of `identities`: any columns with any values, or null. */
  rawIdentities?: unknown[];
  /** Default 'list'. How responses contain the identities of this user. */
  identitiesAs?: IdentitiesForm;
  /** Members of the user that responses contain exactly as given, in place of those that the emulator would write. */
  rawMembers?: Record<string, unknown>;
  /** Default: none. The ids of the applications that the user is signed in to. */
  signedInApps?: string[];
}

/**
 * How a response contains the identities of a user. `object`: a list of one row is that row. `text`: a text that holds the
 * JSON list. `null` and `absent`: the member is null or missing although the identities exist.
 */
export type IdentitiesForm = 'list' | 'object' | 'text' | 'null' | 'absent';

export interface SeedIdentity {
  /** Default: generated. */
  id?: string;
  /** The id of a source of the same seed, or of a deleted source if `provider` is given. */
  extIdpId: string;
  /** Default: the type of the source. */
  provider?: string;
  /** Default `generic`. */
  type?: string;
  userIdInIdp: string;
  userInfoInIdp?: Record<string, unknown>;
  /** Default: none. The size of a made-up photo that is added to `userInfoInIdp`. */
  photoKiB?: number;
  accessToken?: string;
  refreshToken?: string;
  /** Default: the first connection of the source. */
  originConnIds?: string[];
}
