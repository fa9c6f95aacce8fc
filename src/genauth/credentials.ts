import { type JSONObject, parseJson } from '../json';
import { NameCache } from './nameCache';

/**
 * Removal of credentials from what an identity provider told GenAuth about a user.
 *
 * A value is removed
 * 1. if its name says so: `accessToken` is removed; `passwordLastChanged`, `tokenGroups` and `secretary` stay;
 * 2. if it is paired with such a name: `{ name: 'accessToken', value }`, `['accessToken', value]`, `?access_token=value`;
 * 3. if it has the shape of a known credential, such as a JSON Web Token or a private key.
 *
 * Texts that are themselves JSON are searched in the same way. `test/genauth/credentials.test.ts` has a table of examples.
 *
 * @returns null if the search would take too long: texts up to 1 MiB are searched, or 16 000 values and pairs in texts, and
 *   pictures of any size.
 */
export function withoutCredentials(profile: JSONObject): JSONObject | null {
  return new Search().profile(profile);
}

/** Whether `withoutCredentials` removes a text in so many objects and lists, or part of it, whatever its member is called. */
export function holdsCredentials(text: string, depth = 1): boolean {
  return new Search().changes(text, depth);
}

/** Deeper than any provider's profile, and shallow enough for every recursive function that visits the result. */
const MAX_DEPTH = 32;

/** Maximum nesting of JSON texts inside JSON texts. A deeper text is removed. */
const MAX_TEXT_DEPTH = 3;

/** One step for each character of a text, and 64 for each value and for each pair in a text: about 30 ms. */
const MAX_STEPS = 1_048_576;
const STEPS_OF_VALUE = 64;

const REMOVED = Symbol('removed');

/** The search of one profile. */
class Search {
  #steps = 0;
  #textDepth = 0;
  /** How often something has been removed. */
  #removals = 0;

  profile(profile: JSONObject): JSONObject | null {
    const cleaned = this.#object(profile, 0);
    return this.#steps > MAX_STEPS ? null : cleaned;
  }

  changes(text: string, depth: number): boolean {
    return this.#text(text, depth) !== text;
  }

  #clean(value: unknown, depth: number): unknown {
    this.#steps += STEPS_OF_VALUE;
    if (this.#steps > MAX_STEPS) return REMOVED;
    if (typeof value === 'string') return this.#text(value, depth);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= MAX_DEPTH) return this.#remove(null);
    if (Array.isArray(value)) return isPair(value) ? this.#remove(REMOVED) : this.#list(value, depth + 1);
    const object = value as JSONObject;
    return isNameWithValue(object) || isPrivateKey(object) ? this.#remove(REMOVED) : this.#object(object, depth);
  }

  /** Returns the object itself if there is nothing to remove. */
  #object(object: JSONObject, depth: number): JSONObject {
    let changed: JSONObject | null = null;
    for (const name of Object.keys(object)) {
      const value = object[name];
      const cleaned = isCredential(name) ? this.#remove(REMOVED) : this.#clean(value, depth + 1);
      if (cleaned === value) continue;
      changed ??= copyOf(object);
      if (cleaned === REMOVED) delete changed[name];
      else changed[name] = cleaned;
    }
    return changed ?? object;
  }

  /** Returns the list itself if there is nothing to remove. */
  #list(list: readonly unknown[], depth: number): readonly unknown[] {
    const cleaned = list.map((item) => this.#clean(item, depth));
    return cleaned.some((item, index) => item !== list[index]) ? cleaned.filter((item) => item !== REMOVED) : list;
  }

  #text(text: string, depth: number): unknown {
    if (text.length < MIN_LENGTH) return text;
    if (text.length > PICTURE_LENGTH && PICTURE.test(text)) {
      this.#steps += text.length >> 6;
      return SHAPES.test(text.slice(0, 64)) ? this.#remove(REMOVED) : text;
    }
    this.#steps += text.length;
    if (this.#steps > MAX_STEPS) return REMOVED;
    if (!SPECIAL.test(text)) return SHAPES.test(text) ? this.#remove(REMOVED) : text;
    this.#countPairs(text);
    if (this.#steps > MAX_STEPS) return REMOVED;
    const json = MAY_BE_JSON.test(text) ? parseJson(text) : undefined;
    if (json !== undefined) return this.#jsonText(text, json, depth);
    const rest = text.includes('=') || text.includes('://') ? withoutPairs(text) : text;
    if (hasNamedValue(rest) || SHAPES.test(rest)) return this.#remove(REMOVED);
    if (rest.includes('%') && ENCODED.test(rest) && this.#hidesCredentials(rest, depth)) return this.#remove(REMOVED);
    return rest === text ? text : this.#remove(rest);
  }

  #countPairs(text: string): void {
    for (let at = text.indexOf('='); at >= 0 && this.#steps <= MAX_STEPS; at = text.indexOf('=', at + 1)) {
      this.#steps += STEPS_OF_VALUE;
    }
  }

  #jsonText(text: string, json: unknown, depth: number): unknown {
    if (this.#textDepth >= MAX_TEXT_DEPTH) return this.#remove(REMOVED);
    const before = this.#removals;
    this.#textDepth++;
    const cleaned = this.#clean(json, depth + 1);
    this.#textDepth--;
    // The provider's own spelling stays if there was nothing to remove.
    if (this.#removals === before) return text;
    return cleaned === REMOVED || cleaned === null ? REMOVED : JSON.stringify(cleaned);
  }

  /** Whether there is something to remove from a text once its percent-encoding is decoded. */
  #hidesCredentials(text: string, depth: number): boolean {
    const decoded = decode(text);
    if (decoded === text) return false;
    if (this.#textDepth >= MAX_TEXT_DEPTH) return true;
    const before = this.#removals;
    this.#textDepth++;
    this.#clean(decoded, depth + 1);
    this.#textDepth--;
    return this.#removals > before;
  }

  #remove<Rest>(rest: Rest): Rest {
    this.#removals++;
    return rest;
  }
}

/** Without a prototype, a member named __proto__ stays a member. */
function copyOf(object: JSONObject): JSONObject {
  return Object.assign(Object.create(null) as JSONObject, object);
}

// 1. Names. They are compared in lower case and without punctuation, so that `access_token` and `accessToken` are one name.

/** A name that contains one of these names a credential. */
const CREDENTIAL = new RegExp(
  [
    'token|secret|passw(or)?d|passwort|passphrase|passcode|pwd|credential|cookie|bearer|jwt|keytab|ticket|spnego',
    'authorization|assertion|saml(response|art)|pkcs12|encrypteddata|codeverifier|securityanswer|(nt|lm)hash',
    '(api|private|access|signing|encryption|master|shared|principal|session|kerberos|krb5?)key|session(id|index)|sessid',
    '(auth|js|device|recovery|backup|verification)code|^[th]?otp(code)?$|^p?skey$|^pgt(iou)?$|密码|口令|令牌|密钥',
  ].join('|'),
);

/** Names that contain such a word and hold something else: dates and settings of passwords, groups in Active Directory. */
const HARMLESS =
  /secretar(y|ies|iat)|tokengroups(globalanduniversal|nogcacceptable)?|(password|passwd|pwd)(last(set|changed?)|changed?|expir(ed|es|y|ation)|neverexpires|mustchange|notrequired|onnextlogin|securitylevel|policy|strength|length|age|count|properties)(at|on|date|time|timestamp)?/g;

/** A longer name is removed unread. */
const MAX_NAME_LENGTH = 256;

const credentialNames = new NameCache(isCredentialName);
// Names in texts are kept apart: parts of URLs are mostly new ones.
const namesInTexts = new NameCache(isCredentialName);

/** Whether `withoutCredentials` removes every member with this name. */
export function isCredential(name: string): boolean {
  return name.length > MAX_NAME_LENGTH || credentialNames.of(name);
}

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

const NAME_MEMBERS: ReadonlySet<string> = new Set(
  'name key field attribute type id friendlyname param k @name #name'.split(' '),
);
const VALUE_MEMBERS: ReadonlySet<string> = new Set(
  'value values val vals v content text data #text _ attributevalue'.split(' '),
);

/** Such as `{ "name": "accessToken", "value": "…" }`, or an attribute as LDAP and SAML libraries give it. */
function isNameWithValue(object: JSONObject): boolean {
  const members = Object.keys(object);
  if (!members.some((member) => VALUE_MEMBERS.has(member.toLowerCase()))) return false;
  return [object, object['$'], object['@attributes']].some(isNamed);
}

function isNamed(holder: unknown): boolean {
  if (typeof holder !== 'object' || holder === null) return false;
  return Object.entries(holder).some(
    ([member, name]) =>
      NAME_MEMBERS.has(member.toLowerCase()) && typeof name === 'string' && isCredential(lastPart(name)),
  );
}

/** SAML names attributes by URIs and URNs: their last part is the name. */
function lastPart(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf(':'), name.lastIndexOf('#')) + 1);
}

/** A private or symmetric JSON Web Key. */
function isPrivateKey(object: JSONObject): boolean {
  return Object.hasOwn(object, 'kty') && (Object.hasOwn(object, 'd') || Object.hasOwn(object, 'k'));
}

const NAME = /^[\p{L}\p{N}\p{M}_.:%$@/-]{1,128}$/u;

/** Such as `["accessToken", "…"]`. */
function isPair(list: readonly unknown[]): boolean {
  const [name, value] = list;
  const isValue = typeof value === 'string' || typeof value === 'number' || typeof value === 'object';
  return list.length === 2 && typeof name === 'string' && isValue && NAME.test(name) && isCredential(name);
}

/** A pair in a query, fragment, form or cookie: where it begins, its name, and its value up to the next pair. */
const PAIR = /(^|[?&#;,\s])([^\s=&?#;,"'<>]{1,128})=((?:[^\s&#;,"'<>?]|\?(?![^\s=&?#;,"'<>]{1,128}=))*)/g;

/** Parameters of URLs that hold credentials under names that are harmless elsewhere. */
const PARAMETER = /^(code|key|sig|signature|sas|auth|x-amz-(signature|credential|security-token))$/i;

/** The user and password of a URL. */
const USER_INFO = /(:\/\/)[^\s/?#@]{1,512}@/g;

function withoutPairs(text: string): string {
  const isUrl = text.includes('://');
  const rest = text.replace(PAIR, (pair, start: string, name: string, value: string) =>
    value !== '' && (namesInTexts.of(name) || (isUrl && PARAMETER.test(name))) ? start : pair,
  );
  return isUrl ? rest.replace(USER_INFO, '$1') : rest;
}

/** A quoted name before a value, or an element of XML: in texts that are cut off, or are JSON only in part. */
const NAMED_VALUE = /["']([^"'\\\s]{1,128})\\?["']\s{0,8}(?::|=>)|<([\w:.-]{1,128})[\s>]/g;

function hasNamedValue(text: string): boolean {
  if (!text.includes('"') && !text.includes("'") && !text.includes('<')) return false;
  for (const [, quoted, element] of text.matchAll(NAMED_VALUE)) {
    if (isCredential(quoted ?? element ?? '')) return true;
  }
  return false;
}

// 3. Texts

/** The length of the shortest pair of a name and a value, `pwd=1`. */
const MIN_LENGTH = 5;

/** A longer text in Base64 is a picture or a certificate. Only its beginning is searched. */
const PICTURE_LENGTH = 4_096;
const PICTURE = /^(?:data:[\w/+.-]{0,64};base64,)?[\w+/-]*={0,2}$/;

/** A character without which a text holds neither JSON, nor pairs, nor a URL with a user. */
const SPECIAL = /["'=<%[{@]/;

/** How a text begins that can be an object, a list or a string in JSON. */
const MAY_BE_JSON = /^\s{0,64}["[{]/;

/** A quotation mark, an equals sign or a brace in percent-encoding. */
const ENCODED = /%(?:22|3d|7b)/i;

const SHAPES = new RegExp(
  [
    // JSON Web Tokens, signed or encrypted; JSON in Base64
    String.raw`(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|^eyJ[\w+/-]{16,}={0,2}$`,
    String.raw`-----BEGIN [A-Z ]{0,40}PRIVATE KEY`,
    String.raw`\bauthorization\s{0,8}[:=]|\b(?:Bearer|Basic|Negotiate|NTLM|Digest) {1,8}(?=\S{0,4096}[\d=_])[\w+/.~=-]{8,}`,
    String.raw`\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{10,}|\bsk-[\w-]{20,}`,
    String.raw`\bya29\.[\w-]{16,}|\bAIza[\w-]{30,}|\b1//0[\w-]{20,}|\bEAA[A-Za-z0-9]{40,}|\b[sr]k_(?:live|test)_\w{16,}`,
    String.raw`\bnpm_[A-Za-z0-9]{30,}|\bASIA[A-Z0-9]{16}\b`,
    // WeChat's access and refresh tokens
    String.raw`(?<![\w-])\d{1,3}_[\w-]{40,}`,
    // Tickets of Kerberos, and messages of NTLM, in Base64
    String.raw`^YII[\w+/]{40,}|^TlRMTVNTUA`,
    // Password hashes, as crypt and LDAP write them
    String.raw`^\$(?:2[abxy]?|1|5|6|y|argon2\w*|scrypt|pbkdf2[\w-]*)\$\S{8,}|^\{(?:S?SHA\d*|S?MD5|CRYPT|PBKDF2\S*|ARGON2\S*|CLEARTEXT)\}`,
    // SAML responses and assertions, as XML and in Base64
    String.raw`<(?:\w{1,32}:)?(?:Assertion|Response)[\s>]|^PHNhbW|^PD94bWwg`,
  ].join('|'),
  'i',
);
