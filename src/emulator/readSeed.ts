import { z } from 'zod';
import type { Seed, SeedApplication, SeedExtIdp, SeedIdentity, SeedUser } from './seed';

/** The expected form of each kind of value. Messages name it instead of the value, which may be confidential. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const text = z.string().min(1);
const id = text.exactOptional();
const anyObject = z.record(z.string(), z.unknown());

/** An object that has these members and no others. */
function members<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has no ${issue.keys.map((key) => `"${key}"`).join(', ')}; it has ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}

const EXT_IDP: z.ZodType<SeedExtIdp> = members({
  id,
  name: text,
  type: text,
  logo: text.exactOptional(),
  connections: z
    .array(members({ id, identifier: text, type: text.exactOptional(), displayName: text.exactOptional() }))
    .exactOptional(),
});

const APPLICATION: z.ZodType<SeedApplication> = members({
  id,
  name: text,
  basicLoginMethods: z
    .array(
      z.enum([
        'PHONE_CODE',
        'EMAIL_CODE',
        'PHONE_PASSWORD',
        'EMAIL_PASSWORD',
        'USERNAME_PASSWORD',
        'SELF_BUILT_APP_QRCODE',
      ]),
    )
    .exactOptional(),
  connections: z.array(text).exactOptional(),
  disabledConnections: z.array(text).exactOptional(),
});

const IDENTITY: z.ZodType<SeedIdentity> = members({
  id,
  extIdpId: text,
  provider: text.exactOptional(),
  type: text.exactOptional(),
  userIdInIdp: text,
  userInfoInIdp: anyObject.exactOptional(),
  photoKiB: z.number().min(0).exactOptional(),
  accessToken: text.exactOptional(),
  refreshToken: text.exactOptional(),
  originConnIds: z.array(text).exactOptional(),
});

const USER: z.ZodType<SeedUser> = members({
  id,
  name: text.exactOptional(),
  nickname: text.exactOptional(),
  username: text.exactOptional(),
  email: text.exactOptional(),
  phone: text.exactOptional(),
  externalId: text.exactOptional(),
  status: z.enum(['Suspended', 'Resigned', 'Activated', 'Archived', 'Deactivated']).exactOptional(),
  emailVerified: z.boolean().exactOptional(),
  phoneVerified: z.boolean().exactOptional(),
  hasPassword: z.boolean().exactOptional(),
  customData: anyObject.exactOptional(),
  identities: z.array(IDENTITY).exactOptional(),
  rawIdentities: z.array(z.unknown()).exactOptional(),
  identitiesAs: z.enum(['list', 'object', 'text', 'null', 'absent']).exactOptional(),
  rawMembers: anyObject.exactOptional(),
  signedInApps: z.array(text).exactOptional(),
});

const SEED: z.ZodType<Seed> = members({
  extIdps: z.array(EXT_IDP),
  applications: z.array(APPLICATION).exactOptional(),
  users: z.array(USER),
}).superRefine(checkReferences);

/**
 * Checks that a parsed JSON file is a seed.
 *
 * @throws {TypeError} Names every path inside the file that is wrong and what belongs there, never a value.
 */
export function readSeed(value: unknown): Seed {
  const result = SEED.safeParse(value);
  if (result.success) return result.data;
  throw new TypeError(result.error.issues.map(describe).join('; '));
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.reduce<string>(
    (before, step) => (typeof step === 'number' ? `${before}[${step}]` : `${before}.${String(step)}`),
    'seed',
  );
  switch (issue.code) {
    case 'invalid_type':
      return `${path} must be ${EXPECTED[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return `${path} must be ${issue.origin === 'string' ? 'a text that is not empty' : `a number from ${issue.minimum}`}`;
    case 'invalid_value':
      return `${path} must be one of ${issue.values.join(', ')}`;
    case 'unrecognized_keys':
    case 'custom':
      return `${path} ${issue.message}`;
    default:
      return `${path} is invalid`;
  }
}

/** Checks what no single member shows: ids that are used twice, and ids that nothing has. */
function checkReferences(seed: Seed, context: z.core.$RefinementCtx): void {
  const report = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const sources = uniqueIds(seed.extIdps, 'extIdps', report);
  const applications = uniqueIds(seed.applications ?? [], 'applications', report);
  uniqueIds(seed.users, 'users', report);
  const connections = new Set(
    seed.extIdps.flatMap((extIdp) =>
      (extIdp.connections ?? [{ identifier: `my-${extIdp.type}` }]).map(({ identifier }) => identifier),
    ),
  );
  for (const [index, application] of (seed.applications ?? []).entries()) {
    for (const list of ['connections', 'disabledConnections'] as const) {
      for (const [place, identifier] of (application[list] ?? []).entries()) {
        if (connections.has(identifier)) continue;
        report(['applications', index, list, place], 'must be the identifier of a connection in seed.extIdps');
      }
    }
  }
  const holders = new Map<string, number>();
  for (const [index, user] of seed.users.entries()) {
    for (const [row, { extIdpId, provider, type = 'generic', userIdInIdp }] of (user.identities ?? []).entries()) {
      const path = ['users', index, 'identities', row];
      if (!sources.has(extIdpId) && provider === undefined) {
        report([...path, 'extIdpId'], 'must be the id of one of seed.extIdps, unless the row has a provider');
      }
      const identity = JSON.stringify([extIdpId, type, userIdInIdp]);
      if ((holders.get(identity) ?? index) !== index) report(path, 'must be an identity that no other user holds');
      holders.set(identity, index);
    }
    for (const [place, appId] of (user.signedInApps ?? []).entries()) {
      if (applications.has(appId)) continue;
      report(['users', index, 'signedInApps', place], 'must be the id of one of seed.applications');
    }
  }
}

function uniqueIds(
  entries: readonly { id?: string }[],
  member: string,
  report: (path: (string | number)[], message: string) => void,
): Set<string> {
  const ids = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (entry.id === undefined) continue;
    if (ids.has(entry.id)) report([member, index, 'id'], 'must be an id that no other entry has');
    ids.add(entry.id);
  }
  return ids;
}
