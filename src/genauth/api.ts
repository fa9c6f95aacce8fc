/**
 * The wire format of GenAuth's V3 management API, as types only. A route is the name of an operation: the client sends
 * requests to it, and the emulator does not compile until it has a handler for each.
 *
 * The types describe what GenAuth documents, and that may differ from what it sends: `envelope.ts`, `userRecord.ts` and
 * `identityRows.ts` validate responses.
 *
 * @see docs/genauth-api.md
 */

/**
 * The body of every response, successful or not, nearly always under HTTP 200.
 *
 * @see docs/genauth-api.md#envelope
 */
export interface Envelope<Data> {
  /** Only 200 means success. Values of 499 and from 600 on occur only here, never as an HTTP status. */
  statusCode: number;
  /** Text for people, in the requested language. It may change: never compare or forward it. */
  message: string;
  /** The reason of a refusal, where GenAuth has a code for it. */
  apiCode?: number;
  requestId?: string;
  data?: Data;
}

export interface IdentityDto {
  identityId: string;
  extIdpId: string;
  provider: string;
  type: string;
  userIdInIdp: string;
  userInfoInIdp?: Record<string, unknown> | null;
  accessToken?: string;
  refreshToken?: string;
  originConnIds: string[];
}

export interface UserDto {
  userId: string;
  createdAt: string;
  updatedAt: string;
  status: 'Suspended' | 'Resigned' | 'Activated' | 'Archived' | 'Deactivated';
  workStatus: 'Closed' | 'Active';
  gender: 'M' | 'F' | 'U';
  emailVerified: boolean;
  phoneVerified: boolean;
  userSourceType: 'excel' | 'register' | 'adminCreated' | 'sync';
  externalId?: string | null;
  email?: string | null;
  phone?: string | null;
  username?: string | null;
  name?: string | null;
  nickname?: string | null;
  photo?: string | null;
  passwordLastSetAt?: string | null;
  /** Present only with `withIdentities`. */
  identities?: IdentityDto[] | null;
  /** Present only with `withCustomData`. */
  customData?: Record<string, unknown> | null;
}

export interface ExtIdpDto {
  id: string;
  name: string;
  logo: string;
  type: string;
  tenantId?: string;
}

export interface ExtIdpConnDto {
  id: string;
  type: string;
  extIdpId: string;
  logo: string;
  identifier?: string;
  displayName?: string;
  loginOnly: boolean;
  associationMode: 'none' | 'field' | 'challenge';
  challengeBindingMethods: string[];
}

export interface ExtIdpDetailDto extends ExtIdpDto {
  connections: ExtIdpConnDto[];
  autoJoin: boolean;
}

export type BasicLoginMethod =
  'PHONE_CODE' | 'EMAIL_CODE' | 'PHONE_PASSWORD' | 'EMAIL_PASSWORD' | 'USERNAME_PASSWORD' | 'SELF_BUILT_APP_QRCODE';

/** A connection of an identity source, as an application enables it. */
export interface ApplicationExtIdpConnDto {
  isSocial: boolean;
  extIdpId: string;
  extIdpType: string;
  extIdpConnId: string;
  extIdpConnType: string;
  extIdpConnIdentifier: string;
  extIdpConnDisplayName: string;
  extIdpConnLogo: string;
  enabled?: boolean;
}

/** The members of an application that this project reads. GenAuth returns more. */
export interface ApplicationDto {
  appId: string;
  appIdentifier: string;
  appName: string;
  appLogo: string;
  userPoolId: string;
  loginConfig: {
    enabledBasicLoginMethods: BasicLoginMethod[];
    /** Documented as objects. GenAuth's samples show a list of connection ids, or a text that holds one. */
    enabledExtIdpConns: ApplicationExtIdpConnDto[];
  };
}

/** An application that a user is signed in to. */
export interface LoggedInAppDto {
  appId: string;
  appName: string;
  appLogo: string;
  appLoginUrl: string;
}

/** The kind of id that `userId` or `userIds` of a look-up contains. Default: `user_id`. */
export type UserIdType =
  'user_id' | 'external_id' | 'phone' | 'email' | 'username' | 'identity' | 'sync_relation' | 'custom_field';

type UserLookup = {
  userId: string;
  userIdType?: UserIdType;
};

/** A boolean in a query, where every value is text. */
type QueryBoolean = 'true' | 'false';

export interface ManagementApi {
  'POST /api/v3/get-management-token': {
    request: { accessKeyId: string; accessKeySecret: string };
    data: { access_token: string; expires_in: number };
  };
  'GET /api/v3/get-user': {
    request: UserLookup & {
      withCustomData?: QueryBoolean;
      withIdentities?: QueryBoolean;
      flatCustomData?: QueryBoolean;
    };
    data: UserDto;
  };
  'GET /api/v3/get-user-batch': {
    request: {
      /** 1 to 50. */
      userIds: readonly string[];
      userIdType?: UserIdType;
      withCustomData?: QueryBoolean;
      withIdentities?: QueryBoolean;
      flatCustomData?: QueryBoolean;
    };
    data: UserDto[];
  };
  'POST /api/v3/list-users': {
    request: {
      keywords?: string;
      options?: {
        pagination?: { page?: number; limit?: number };
        sort?: { field: string; order: 'asc' | 'desc' }[];
        withCustomData?: boolean;
        withIdentities?: boolean;
      };
    };
    data: { totalCount: number; list: UserDto[] };
  };
  'GET /api/v3/get-user-identities': {
    request: UserLookup;
    data: IdentityDto[];
  };
  'GET /api/v3/get-user-logged-in-identities': {
    request: UserLookup;
    data: { identityId: string; idpName: string; idpNameEn: string; idpLogo: string; idpId: string }[];
  };
  'POST /api/v3/link-identity': {
    request: { userIdInIdp: string; userId: string; extIdpId: string; type?: string; isSocial?: boolean };
    data: { success: boolean };
  };
  'POST /api/v3/unlink-identity': {
    /** `isSocial` is deprecated: GenAuth ignores it, and the client never sends it. */
    request: { userId: string; extIdpId: string; type?: string; isSocial?: boolean };
    data: { success: boolean };
  };
  'GET /api/v3/list-ext-idp': {
    request: { appId?: string };
    data: { totalCount: number; list: ExtIdpDto[] };
  };
  'GET /api/v3/get-ext-idp': {
    request: { id: string; appId?: string; type?: 'social' | 'enterprise' };
    data: ExtIdpDetailDto;
  };
  'GET /api/v3/get-application': {
    request: { appId: string };
    data: ApplicationDto;
  };
  'GET /api/v3/get-user-loggedin-apps': {
    request: UserLookup;
    data: LoggedInAppDto[];
  };
  'POST /api/v3/kick-users': {
    /** 1 to 50 applications. */
    request: { userId: string; appIds: readonly string[]; options?: { userIdType?: UserIdType } };
    data: { success: boolean };
  };
  'POST /api/v3/check-session-status': {
    request: { userId: string; appId: string };
    data: { active: boolean };
  };
}

export type Route = keyof ManagementApi;

/** The route that reads users. */
export const BATCH_ROUTE = 'GET /api/v3/get-user-batch' satisfies Route;
export type RequestOf<R extends Route> = ManagementApi[R]['request'];
export type DataOf<R extends Route> = ManagementApi[R]['data'];
