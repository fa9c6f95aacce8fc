import { END_OF_OBJECT, isObject, type JSONObject, type JsonReader, KeySequence, OTHER_KEY } from '../json';
import { holdsCredentials, isCredential } from './credentials';
import type { Identity } from './identity';
import { NameCache } from './nameCache';

/** The part of an identity that its label is made from. */
type LabelledIdentity = Pick<Identity, 'provider' | 'userIdInIdp' | 'userInfoInIdp'>;

/** Members of profiles that hold a name, the best first. Case, `_`, `-` and the URI in front of a claim make no difference. */
const LOGIN = ['login', 'username', 'preferredusername', 'nickname', 'name', 'displayname', 'email', 'emails'];
const NICKNAME = ['nickname', 'nick', 'screenname', 'displayname', 'username', 'uname', 'name', 'email', 'emails'];
const SCREEN_NAME = ['screenname', 'username', 'name', 'nickname', 'displayname', 'email', 'emails'];
const EMAIL = [
  ...['email', 'emailaddress', 'emails', 'mail', 'upn', 'userprincipalname', 'preferredusername'],
  ...['name', 'displayname', 'nickname', 'username'],
];
const COLLEAGUE = ['name', 'nick', 'nickname', 'displayname', 'enname', 'bizmail', 'email', 'enterpriseemail'];
const DIRECTORY = [
  ...['displayname', 'cn', 'commonname', 'name', 'mail', 'email', 'emailaddress', 'userprincipalname', 'upn'],
  ...['samaccountname', 'uid', 'username', 'nameid'],
];
const ANY = ['nickname', 'displayname', 'name', 'login', 'username', 'preferredusername', 'email', 'emails', 'mail'];

/** Providers whose profiles are alike. */
interface ProviderKind {
  /** The members that hold a name, the best first. */
  names: readonly string[];
  /** The keys of profiles. They mean positions in `names`, or `OTHER_KEY`. */
  keys: KeySequence;
}

const KINDS: ReadonlyMap<string, ProviderKind> = new Map([
  ...alike(['github', 'gitlab', 'gitee'], LOGIN),
  ...alike(
    ['wechat', 'qq', 'alipay', 'douyin', 'kuaishou', 'baidu', 'xiaomi', 'huawei', 'oppo', 'honor', 'line'],
    NICKNAME,
  ),
  ...alike(['weibo', 'twitter', 'instagram'], SCREEN_NAME),
  ...alike(
    ['google', 'apple', 'azure-ad', 'oidc', 'oauth2', 'facebook', 'linkedin', 'amazon', 'yahoo', 'slack'],
    EMAIL,
  ),
  ...alike(['lark', 'dingtalk', 'wechatwork', 'welink'], COLLEAGUE),
  ...alike(['saml', 'ldap', 'ad', 'active-directory', 'cas'], DIRECTORY),
]);
const ANY_KIND = kindWith(ANY);

function alike(providers: readonly string[], names: readonly string[]): (readonly [string, ProviderKind])[] {
  return providers.map((provider) => [provider, kindWith(names)]);
}

function kindWith(names: readonly string[]): ProviderKind {
  const keys = new KeySequence((json) => {
    const key = json.text();
    const position = isCredential(key) ? -1 : names.indexOf(nameOf(key));
    return position < 0 ? OTHER_KEY : position;
  });
  return { names, keys };
}

/** Connections have types such as `wechat:pc`. */
const kindOf = new NameCache((provider) => KINDS.get(provider.toLowerCase().split(':')[0] ?? '') ?? ANY_KIND);

/** Attributes that SAML names by their object identifiers (RFC 4519, RFC 4524, RFC 2798). */
const OBJECT_IDENTIFIERS: ReadonlyMap<string, string> = new Map([
  ['urn:oid:2.16.840.1.113730.3.1.241', 'displayname'],
  ['urn:oid:2.5.4.3', 'cn'],
  ['urn:oid:0.9.2342.19200300.100.1.1', 'uid'],
  ['urn:oid:0.9.2342.19200300.100.1.3', 'mail'],
]);

/** Members that contain the profile itself. */
const WRAPPERS = ['json', 'data', 'user', 'profile', 'userinfo', 'attributes'];

/** Longer texts are not names. */
const MAX_LENGTH = 200;

/**
 * Returns the name by which people know an account: a nickname, a login, an e-mail address or a display name, depending on the
 * provider. It is never an opaque id.
 *
 * @returns null if the profile contains no such name.
 */
export function labelOf(identity: LabelledIdentity): string | null {
  const { provider, userInfoInIdp } = identity;
  if (userInfoInIdp === null) return null;
  const { names } = kindOf.of(provider ?? '');
  const profile = membersOf(userInfoInIdp);
  const label = bestName(profile, names, identity);
  if (label !== null) return label;
  for (const wrapper of WRAPPERS) {
    const inner = profile.get(wrapper);
    const innerLabel = isObject(inner) ? bestName(membersOf(inner), names, identity) : null;
    if (innerLabel !== null) return innerLabel;
  }
  return null;
}

/**
 * Returns the same label from the JSON of a profile, without making an object of the profile.
 *
 * @param json A text that has been read.
 * @param start The first byte of the profile.
 * @returns null if the best name is not a plain text. Then `labelOf` has to search the profile.
 */
export function plainLabelIn(
  json: JsonReader,
  start: number,
  identity: Pick<LabelledIdentity, 'provider' | 'userIdInIdp'>,
): string | null {
  const { names, keys } = kindOf.of(identity.provider ?? '');
  let best = OTHER_KEY;
  const text = json.readAgain(start, () => {
    if (json.kind() !== 'object') return null;
    let seen = 0;
    let isRepeated = false;
    let [from, to] = [0, 0];
    json.enter();
    let index = 0;
    for (let name = keys.next(json, index); name !== END_OF_OBJECT; name = keys.next(json, ++index)) {
      const isPlain = json.string() && json.isPlain;
      if (name === OTHER_KEY) continue;
      isRepeated ||= (seen & (1 << name)) !== 0;
      seen |= 1 << name;
      if (name > best) continue;
      best = name;
      [from, to] = isPlain ? [json.start + 1, json.end - 1] : [0, 0];
    }
    return isRepeated ? null : json.bytes.toString('utf8', from, to);
  });
  if (text === null || names[best] === 'nameid' || holdsCredentials(text)) return null;
  return toName(text, identity);
}

function bestName(
  members: ReadonlyMap<string, unknown>,
  names: readonly string[],
  account: AccountOfName,
): string | null {
  for (const name of names) {
    const text = nameIn(members.get(name), account);
    // The name identifier of SAML is often a random text.
    if (text !== null && (name !== 'nameid' || text.includes('@'))) return text;
  }
  return null;
}

/** Returns the members of an object by their simplified names. Of two with the same one, the first counts. */
function membersOf(object: JSONObject): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>();
  for (const [key, value] of Object.entries(object)) {
    const name = nameOf(key);
    if (!members.has(name)) members.set(name, value);
  }
  return members;
}

/** Returns the simplified name of a member. Long ones are not kept. */
function nameOf(key: string): string {
  return key.length > MAX_LENGTH ? simplify(key) : simplifiedNames.of(key);
}

const simplifiedNames = new NameCache((key) => OBJECT_IDENTIFIERS.get(key) ?? simplify(key));

function simplify(key: string): string {
  return key
    .slice(key.lastIndexOf('/') + 1)
    .toLowerCase()
    .replace(/[_-]/g, '');
}

/** An account, by its id at the identity provider. It is read only where a name consists of digits. */
type AccountOfName = Pick<LabelledIdentity, 'userIdInIdp'>;

/** Returns the name in a text, in the first item of a list that has one, or in an object with parts of a name. */
function nameIn(value: unknown, account: AccountOfName): string | null {
  if (typeof value === 'string') return toName(value, account);
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      const name = Array.isArray(item) ? null : nameIn(item, account);
      if (name !== null) return name;
    }
    return null;
  }
  if (!isObject(value)) return null;
  const members = membersOf(value);
  const whole = members.get('value') ?? members.get('formatted');
  if (typeof whole === 'string') return toName(whole, account);
  const given = members.get('givenname') ?? members.get('firstname');
  const family = members.get('familyname') ?? members.get('lastname');
  const parts = [given, family].filter((part) => typeof part === 'string');
  return toName(parts.join(' '), account);
}

function toName(value: string, account: AccountOfName): string | null {
  const text = value.trim();
  if (text === '' || text.length > MAX_LENGTH || /\p{Cc}/u.test(text)) return null;
  return isOpaque(text) || (/^\d+$/.test(text) && text === account.userIdInIdp) ? null : text;
}

const MIN_OPAQUE_LENGTH = 16;

/** Whether people do not know the account by this text: it contains a UUID or long hexadecimal id, or is a random token. */
function isOpaque(text: string): boolean {
  if (text.length < MIN_OPAQUE_LENGTH) return false;
  if (text.includes('@')) return text.toLowerCase().endsWith('@privaterelay.appleid.com');
  if (text.includes('-') && UUID.test(text)) return true;
  return /\d/.test(text) && (LONG_HEXADECIMAL.test(text) || RANDOM_TOKEN.test(text));
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-/i;
/** Looks behind, so that each number is searched once. */
const LONG_HEXADECIMAL = /(?<![0-9a-f])[0-9a-f]{16}/i;
const RANDOM_TOKEN = /^[\w-]{24,}$/;
