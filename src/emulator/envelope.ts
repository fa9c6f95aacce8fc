import type { Envelope } from '../genauth/api';

export type Lang = 'zh-CN' | 'en-US';

/** Every message in the two languages of the vendor SDK. `$` stands for the name of a parameter. */
const TEXTS = {
  success: ['操作成功', 'Operation successful'],
  malformed: ['参数 $ 格式错误', 'Parameter $ is malformed'],
  limit: ['limit must less than 50', 'limit must less than 50'],
  bodyNotJson: ['请求体格式错误', 'The request body is malformed'],
  bodyTooLarge: ['请求体过大', 'The request body is too large'],
  unsupported: ['不支持该操作', 'This operation is not supported'],
  userMissing: ['用户不存在', 'User not found'],
  resourceMissing: ['资源不存在', 'Resource not found'],
  applicationMissing: ['应用不存在', 'Application not found'],
  sessionMissing: ['会话不存在', 'Session not found'],
  identityMissing: ['身份不存在', 'Identity not found'],
  alreadyBound: ['该身份已绑定其他账号', 'The identity is bound to another account'],
  alreadyExecuted: ['该请求已执行', 'The request was already executed'],
  keyReused: ['幂等键已用于其他请求', 'The idempotency key was used for another request'],
  lastLoginMethod: ['只有一种登录方式，无法解绑', 'The only login method cannot be unbound'],
  notLoggedIn: ['尚未登录，无权访问此请求', 'Not logged in, no permission to access this request'],
  wrongKey: ['密钥错误', 'The access key is incorrect'],
  signature: ['签名错误', 'The signature is invalid'],
  signatureMethod: ['签名方法不匹配', 'The signature method does not match'],
  signatureVersion: ['签名版本不匹配', 'The signature version does not match'],
  dateMissing: ['缺少 date 请求头', 'The date header is missing'],
  dateMalformed: ['date 格式错误', 'The date header is malformed'],
  dateSkewed: ['请求时间与服务器时间相差过大', 'The date is too far from the time of the server'],
  replayed: ['签名已被使用', 'The signature was already consumed'],
  rateLimited: ['您的请求已超过最大数量限制，请稍后重试', 'Too many requests, please try again later'],
  unknown: ['未知错误', 'Unknown error'],
} as const satisfies Record<string, readonly [string, string]>;

/** The documented codes that the emulator returns: docs/genauth-api.md#error-codes. */
export const API_CODE = {
  signature: 1300,
  signatureMethod: 1301,
  signatureVersion: 1302,
  dateMalformed: 1303,
  dateMissing: 1304,
  dateSkewed: 1305,
  replayed: 1306,
  userMissing: 2004,
  applicationMissing: 2011,
  notLoggedIn: 2020,
  /** Codes of the V1 and V2 APIs. Whether V3 uses these three is unknown. */
  alreadyBound: 2215,
  notBound: 2216,
  lastLoginMethod: 2217,
  wrongAccount: 2333,
} as const;

/** An operation refuses a request: the envelope has another statusCode than 200. */
export class Refusal extends Error {
  readonly statusCode: number;
  readonly text: keyof typeof TEXTS;
  readonly apiCode: number | undefined;
  readonly parameter: string;

  constructor(
    statusCode: number,
    text: keyof typeof TEXTS,
    more: { apiCode?: number | undefined; parameter?: string } = {},
  ) {
    super(`${statusCode} ${text}`);
    this.statusCode = statusCode;
    this.text = text;
    this.apiCode = more.apiCode;
    this.parameter = more.parameter ?? '';
  }
}

export function malformed(parameter: string): Refusal {
  return new Refusal(400, 'malformed', { parameter });
}

/** Returns the language of messages, from the header of either brand. Default: Chinese. */
export function langOf(headers: Readonly<Record<string, string | string[] | undefined>>): Lang {
  const asked = headers['x-genauth-lang'] ?? headers['x-authing-lang'];
  return asked === 'en-US' ? 'en-US' : 'zh-CN';
}

export function successEnvelope(data: unknown, lang: Lang): Envelope<unknown> {
  return { statusCode: 200, message: say('success', lang), data };
}

export function refusalEnvelope(refusal: Refusal, lang: Lang): Envelope<never> {
  const { statusCode, apiCode } = refusal;
  const message = say(refusal.text, lang).replace('$', () => refusal.parameter);
  return apiCode === undefined ? { statusCode, message } : { statusCode, apiCode, message };
}

function say(text: keyof typeof TEXTS, lang: Lang): string {
  return TEXTS[text][lang === 'zh-CN' ? 0 : 1];
}
