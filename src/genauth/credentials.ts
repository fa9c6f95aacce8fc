import { type JSONObject, parseJson } from '../json';

/**
 * Removal of credentials from what an identity provider told GenAuth about a user.
 *
 * A value is removed
 * 1. if its name says so: `accessToken` is removed; `passwordLastChanged`, `tokenGroups` and `secretary` stay;
 * 2. if it is paired with such a name: `{ name: 'accessToken', value }`, `['accessToken', value]`, `?access_token=value`;
 * 3. if it has the shape of a known credential, such as a JSON Web Token or a private key.
 *
 * Texts that are themselves JSON are searched in the same way. `test/genauth/credentials.test.ts` has a table of examples.
 */
export function withoutCredentials(profile: JSONObject): JSONObject {
  return cleanObject(profile, 0);
}

/** Deeper than any provider's profile, and shallow enough for every recursive function that visits the result. */
const MAX_DEPTH = 32;

const REMOVED = Symbol('removed');

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value, depth);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return isPair(value) ? REMOVED : cleanList(value, depth + 1);
  const object = value as JSONObject;
  return isNameWithValue(object) ? REMOVED : cleanObject(object, depth);
}

function cleanObject(object: JSONObject, depth: number): JSONObject {
  // Without a prototype, a member named __proto__ stays a member.
  const kept = Object.create(null) as JSONObject;
  for (const [name, value] of Object.entries(object)) {
    if (names.isCredential(name)) continue;
    const cleaned = clean(value, depth + 1);
    if (cleaned !== REMOVED) kept[name] = cleaned;
  }
  return kept;
}

function cleanList(list: readonly unknown[], depth: number): unknown[] {
  return list.map((item) => clean(item, depth)).filter((item) => item !== REMOVED);
}

// 1. Names. They are compared in lower case and without punctuation, so that `access_token` and `accessToken` are one name.

/** A name that contains one of these names a credential. */
const CREDENTIAL = new RegExp(
  [
    'token|secret|passw(or)?d|passwort|passphrase|passcode|pwd|credential|cookie|bearer|jwt|keytab|ticket',
    'authorization|assertion|saml(response|art)|pkcs12|encrypteddata|codeverifier|securityanswer|(nt|lm)hash',
    '(api|private|access|signing|encryption|master|shared|principal|session|kerberos|krb5?)key|session(id|index)|sessid',
    '(auth|js|device|recovery|backup|verification)code|^[th]?otp(code)?$|密码|口令|令牌|密钥',
  ].join('|'),
);

/** Names that contain such a word and hold something else: dates and settings of passwords, groups in Active Directory. */
const HARMLESS =
  /secretar(y|ies|iat)|tokengroups(globalanduniversal|nogcacceptable)?|(password|passwd|pwd)(last(set|changed?)|changed?|expir(ed|es|y|ation)|neverexpires|mustchange|notrequired|onnextlogin|securitylevel|policy|strength|length|age|count|properties)(at|on|date|time|timestamp)?/g;

/** Judges names. The names of one provider recur in every profile, so that judgements are kept. */
class NameJudge {
  readonly #known = new Map<string, boolean>();

  isCredential(name: string): boolean {
    if (name.length > 128) return isCredentialName(name.slice(0, 4_096));
    let result = this.#known.get(name);
    if (result === undefined) {
      result = isCredentialName(name);
      // Hostile profiles have a new name in every row.
      if (this.#known.size >= 1_000) this.#known.clear();
      this.#known.set(name, result);
    }
    return result;
  }
}

const names = new NameJudge();

function isCredentialName(name: string): boolean {
  const letters = decode(name)
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
  return CREDENTIAL.test(letters) && CREDENTIAL.test(letters.replace(HARMLESS, ''));
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// 2. Names paired with values

const NAME_MEMBERS = [
  'name',
  'key',
  'field',
  'attribute',
  'type',
  'id',
  'friendlyName',
  'param',
  'k',
  '@name',
  '#name',
];
const VALUE_MEMBERS = [
  'value',
  'values',
  'val',
  'vals',
  'v',
  'content',
  'text',
  'data',
  '#text',
  '_',
  'attributeValue',
];

/** Such as `{ "name": "accessToken", "value": "…" }`, or an attribute as LDAP and SAML libraries give it. */
function isNameWithValue(object: JSONObject): boolean {
  const members = new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
  if (!VALUE_MEMBERS.some((name) => members.has(name.toLowerCase()))) return false;
  const attributes = members.get('$') ?? members.get('@attributes');
  const isNamed = (holder: ReadonlyMap<string, unknown>): boolean =>
    NAME_MEMBERS.some((member) => {
      const name = holder.get(member.toLowerCase());
      return typeof name === 'string' && names.isCredential(lastPart(name));
    });
  if (isNamed(members)) return true;
  return (
    typeof attributes === 'object' &&
    attributes !== null &&
    isNamed(new Map(Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), value])))
  );
}

/** SAML names attributes by URIs and URNs: their last part is the name. */
function lastPart(name: string): string {
  return /[^/:#]*$/.exec(name)?.[0] ?? name;
}

const NAME = /^[\p{L}\p{N}\p{M}_.:%$@/-]{1,128}$/u;

/** Such as `["accessToken", "…"]`. */
function isPair(list: readonly unknown[]): boolean {
  const [name, value] = list;
  return (
    list.length === 2 &&
    typeof name === 'string' &&
    typeof value === 'string' &&
    NAME.test(name) &&
    names.isCredential(name)
  );
}

// 3. Texts

const SHAPES = new RegExp(
  [
    // JSON Web Tokens, signed or encrypted
    String.raw`(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY`,
    String.raw`\b(?:Bearer|Basic|Negotiate|NTLM|Digest) +[\w+/.~=-]{8,}`,
    String.raw`\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{10,}`,
    String.raw`\bya29\.[\w-]{16,}|\bAIza[\w-]{30,}|\b1//0[\w-]{20,}|\bEAA[A-Za-z0-9]{40,}|\b[sr]k_(?:live|test)_\w{16,}`,
    String.raw`\bnpm_[A-Za-z0-9]{30,}|\bASIA[A-Z0-9]{16}\b`,
    // WeChat's access and refresh tokens
    String.raw`^\d{1,3}_[\w-]{40,}$`,
    // Password hashes, as crypt and LDAP write them
    String.raw`^\$(?:2[abxy]?|1|5|6|y|argon2\w*|scrypt|pbkdf2[\w-]*)\$\S{8,}|^\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2\S*|ARGON2\S*|CLEARTEXT)\}`,
    // SAML responses and assertions, as XML and in Base64
    String.raw`<(?:\w+:)?(?:Assertion|Response)[\s>]|^PHNhbW|^PD94bWwg`,
  ].join('|'),
  'i',
);

/** Where a pair begins; its name; its value. In queries, fragments, forms and cookies. */
const PAIR = /(^|[?&#;,\s])([^\s=&?#;,"'<>]{1,128})=([^\s&#;,"'<>]*)/g;

/** Parameters of URLs that hold credentials under names that are harmless elsewhere. */
const PARAMETER = /^(code|key|sig|signature|sas|state|auth|x-amz-(signature|credential|security-token))$/i;

/** The shortest text that can hold a credential. */
const MIN_LENGTH = 8;

function cleanText(text: string, depth: number): unknown {
  if (text.length < MIN_LENGTH) return text;
  const json = /^\s*["[{]/.test(text) ? parseJson(text) : undefined;
  if (json !== undefined && typeof json !== 'number') {
    const cleaned = depth >= MAX_DEPTH ? null : clean(json, depth + 1);
    if (cleaned === REMOVED || cleaned === null) return REMOVED;
    const before = JSON.stringify(json);
    const after = JSON.stringify(cleaned);
    // The provider's own spelling stays if there was nothing to remove.
    return before === after ? text : after;
  }
  const isUrl = text.includes('://');
  const withoutPairs = text.includes('=')
    ? text.replace(PAIR, (pair, start: string, name: string, value: string) =>
        value !== '' && (names.isCredential(name) || (isUrl && PARAMETER.test(name))) ? start : pair,
      )
    : text;
  const withoutUser = isUrl ? withoutPairs.replace(/(:\/\/)[^\s/?#@]{0,256}:[^\s/?#@]{0,256}@/g, '$1') : withoutPairs;
  return SHAPES.test(withoutUser) ? REMOVED : withoutUser;
}
