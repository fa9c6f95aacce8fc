import type { Brand } from '../../src/genauth/signature';

/** A request, and the string that the vendor's SDK signs for it. @see docs/genauth-api.md#request-signing */
export interface Vector {
  title: string;
  method: string;
  path: string;
  data: Record<string, unknown>;
  headers?: Record<string, string>;
  stringToSign: string;
  authorization: string;
}

/** Invented. */
export const KEY = { accessKeyId: 'userpool0000000000000001', accessKeySecret: 'secret0000000000000000000000abcd' };

const date = 'Mon, 06 Jan 2025 08:00:00 GMT';
const nonce = '0123456789abcdef0123456789abcdef';

/** Headers as the SDKs send them, in their order and with those that are not signed. */
export const HEADERS: Record<Brand, Record<string, string>> = {
  genauth: {
    Accept: 'application/json',
    'Content-Type': 'application/json',
    'x-genauth-signature-nonce': nonce,
    'x-genauth-signature-method': 'HMAC-SHA1',
    'x-genauth-signature-version': '1.0',
    'user-agent': 'GenAuthIdentityCloud (linux; x64) Node.js/v20.20.2 Core/1.0.0',
    'x-genauth-sdk-version': 'gen-auth-node-sdk:1.0.0',
    'x-genauth-lang': 'zh-CN',
    date,
  },
  authing: {
    Accept: 'application/json',
    'Content-Type': 'application/json',
    'x-authing-signature-nonce': nonce,
    'x-authing-signature-method': 'HMAC-SHA1',
    'x-authing-signature-version': '1.0',
    'user-agent': 'AuthingIdentityCloud (linux; x64) Node.js/v20.20.2 Core/1.0.0',
    'x-authing-sdk-version': 'authing-node-sdk:4.0.2',
    'x-authing-lang': 'zh-CN',
    date,
  },
};

const GENAUTH =
  'date:Mon, 06 Jan 2025 08:00:00 GMT\nx-genauth-lang:zh-CN\nx-genauth-sdk-version:gen-auth-node-sdk:1.0.0\nx-genauth-signature-method:HMAC-SHA1\nx-genauth-signature-nonce:0123456789abcdef0123456789abcdef\nx-genauth-signature-version:1.0\n';
const GENAUTH_TENANT =
  'date:Mon, 06 Jan 2025 08:00:00 GMT\nx-genauth-app-id:tenant1\nx-genauth-lang:en-US\nx-genauth-sdk-version:gen-auth-node-sdk:1.0.0\nx-genauth-signature-method:HMAC-SHA1\nx-genauth-signature-nonce:0123456789abcdef0123456789abcdef\nx-genauth-signature-version:1.0\n';
const AUTHING =
  'date:Mon, 06 Jan 2025 08:00:00 GMT\nx-authing-lang:zh-CN\nx-authing-sdk-version:authing-node-sdk:4.0.2\nx-authing-signature-method:HMAC-SHA1\nx-authing-signature-nonce:0123456789abcdef0123456789abcdef\nx-authing-signature-version:1.0\n';

const getUser = {
  title: 'a GET with its query',
  method: 'GET',
  path: '/api/v3/get-user',
  data: {
    userId: '6229ffaxxxxxxxxcade3e3d9',
    userIdType: 'user_id',
    withCustomData: false,
    withIdentities: true,
    flatCustomData: false,
  },
};
const unlinkIdentity = {
  title: 'a POST with its body',
  method: 'POST',
  path: '/api/v3/unlink-identity',
  data: {
    userId: '6229ffaxxxxxxxxcade3e3d9',
    extIdpId: '62f209327xxxxcc10d966ee5',
    type: 'openid',
    isSocial: false,
  },
};
const unencoded = {
  title: 'characters beyond ASCII and reserved ones, unencoded',
  method: 'GET',
  path: '/api/v3/get-user-identities',
  data: { userId: '张三 a&b=c', userIdType: 'username' },
};

export const VECTORS: Record<Brand, Vector[]> = {
  genauth: [
    {
      ...getUser,
      stringToSign: `GET\n${GENAUTH}/api/v3/get-user?flatCustomData=false&userId=6229ffaxxxxxxxxcade3e3d9&userIdType=user_id&withCustomData=false&withIdentities=true`,
      authorization: 'GenAuth userpool0000000000000001:gCOQIUhJzBgYm2weuguYnP7kcqo=',
    },
    {
      ...unlinkIdentity,
      stringToSign: `POST\n${GENAUTH}/api/v3/unlink-identity?extIdpId=62f209327xxxxcc10d966ee5&isSocial=false&type=openid&userId=6229ffaxxxxxxxxcade3e3d9`,
      authorization: 'GenAuth userpool0000000000000001:OAuo+QqYIFg59WOUnWvWjKZdM5k=',
    },
    {
      ...unencoded,
      stringToSign: `GET\n${GENAUTH}/api/v3/get-user-identities?userId=张三 a&b=c&userIdType=username`,
      authorization: 'GenAuth userpool0000000000000001:WFs1/9V0lqtVY7zhG0mg5vm8WkU=',
    },
    {
      title: 'a nested object as JSON',
      method: 'POST',
      path: '/api/v3/list-users',
      data: { options: { pagination: { page: 1, limit: 50 }, withIdentities: true }, keywords: '张三' },
      stringToSign: `POST\n${GENAUTH}/api/v3/list-users?keywords=张三&options={"pagination":{"page":1,"limit":50},"withIdentities":true}`,
      authorization: 'GenAuth userpool0000000000000001:qfAy+ELRslEdmvr2bYAvCo26N0M=',
    },
    {
      title: 'a list as JSON',
      method: 'GET',
      path: '/api/v3/get-user-batch',
      data: {
        userIds: ['6229ffaxxxxxxxxcade3e3d9', '6229ffaxxxxxxxxcade3e3d0'],
        userIdType: 'user_id',
        withCustomData: false,
        withIdentities: true,
        flatCustomData: false,
      },
      stringToSign: `GET\n${GENAUTH}/api/v3/get-user-batch?flatCustomData=false&userIdType=user_id&userIds=["6229ffaxxxxxxxxcade3e3d9","6229ffaxxxxxxxxcade3e3d0"]&withCustomData=false&withIdentities=true`,
      authorization: 'GenAuth userpool0000000000000001:MzuATtZQaGKxUgTob3lP7cHbu28=',
    },
    {
      title: 'a key without a value, skipped',
      method: 'POST',
      path: '/api/v3/unlink-identity',
      data: { userId: 'u1', extIdpId: 'e1', type: undefined },
      stringToSign: `POST\n${GENAUTH}/api/v3/unlink-identity?extIdpId=e1&userId=u1`,
      authorization: 'GenAuth userpool0000000000000001:EfNR+V5CqKErZr5PfMfWc28mgIg=',
    },
    {
      title: 'nothing but keys without a value, which leave a question mark',
      method: 'GET',
      path: '/api/v3/list-ext-idp',
      data: { appId: undefined },
      stringToSign: `GET\n${GENAUTH}/api/v3/list-ext-idp?`,
      authorization: 'GenAuth userpool0000000000000001:Cgqjvrc/mzgfgZ6G64jIMRzHRv8=',
    },
    {
      title: 'no keys at all',
      method: 'GET',
      path: '/api/v3/list-event-apps',
      data: {},
      stringToSign: `GET\n${GENAUTH}/api/v3/list-event-apps`,
      authorization: 'GenAuth userpool0000000000000001:sW5IbUKa6+RyZ67FBIzcvUOmmZY=',
    },
    {
      title: 'one more header of the brand',
      method: 'POST',
      path: '/api/v3/unlink-identity',
      data: { userId: 'u1', extIdpId: 'e1' },
      headers: { 'x-genauth-lang': 'en-US', 'x-genauth-app-id': 'tenant1' },
      stringToSign: `POST\n${GENAUTH_TENANT}/api/v3/unlink-identity?extIdpId=e1&userId=u1`,
      authorization: 'GenAuth userpool0000000000000001:d9+LiquPSRapv6HKVzIlqM+kl44=',
    },
    {
      title: 'null as a word',
      method: 'POST',
      path: '/api/v3/update-user',
      data: { userId: 'u1', email: null },
      stringToSign: `POST\n${GENAUTH}/api/v3/update-user?email=null&userId=u1`,
      authorization: 'GenAuth userpool0000000000000001:fO8fYjan0hbQgia+bSE/oEdfnbg=',
    },
  ],
  authing: [
    {
      ...getUser,
      stringToSign: `GET\n${AUTHING}/api/v3/get-user?flatCustomData=false&userId=6229ffaxxxxxxxxcade3e3d9&userIdType=user_id&withCustomData=false&withIdentities=true`,
      authorization: 'authing userpool0000000000000001:skrmreZQU2kSjGmLeLsJ9TSZ4Ms=',
    },
    {
      ...unlinkIdentity,
      stringToSign: `POST\n${AUTHING}/api/v3/unlink-identity?extIdpId=62f209327xxxxcc10d966ee5&isSocial=false&type=openid&userId=6229ffaxxxxxxxxcade3e3d9`,
      authorization: 'authing userpool0000000000000001:x7JkLwQuLqAlZzAz4d+uFOH4En4=',
    },
    {
      ...unencoded,
      stringToSign: `GET\n${AUTHING}/api/v3/get-user-identities?userId=张三 a&b=c&userIdType=username`,
      authorization: 'authing userpool0000000000000001:8+jTJQ0Q9xvgMmZuEZy0EotIqPk=',
    },
  ],
};

/** Vector K: what the event socket signs, a constant. */
export const WEBSOCKET: Record<Brand, string> = {
  genauth: 'GenAuth userpool0000000000000001:0AdpQxTDuNsOiRWJb7LQySpddH0=',
  authing: 'authing userpool0000000000000001:0AdpQxTDuNsOiRWJb7LQySpddH0=',
};
