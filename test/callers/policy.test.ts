import fc from 'fast-check';
import {
  type Actor,
  type Caller,
  createPolicy,
  ForbiddenError,
  isSelf,
  type Policy,
  type PolicyOptions,
  TRUSTED,
} from '../../src/callers';

const SELF = '60194296801dc7bc2a1b2735';
const OTHER = '60194296801dc7bc2a1b2736';
const options: PolicyOptions = {
  scopeRead: 'identity:read',
  scopeUnlink: 'identity:unlink',
  scopeLink: 'identity:link',
  scopeSessions: 'identity:sessions',
  selfUnlink: 'allow',
  selfUnlinkMaxAgeMs: 0,
};
const allowing = createPolicy(options);
const denying = createPolicy({ ...options, selfUnlink: 'deny' });

function actor(sub: string | null, ...scopes: string[]): Actor {
  return { iss: 'https://issuer.example/oidc', sub, azp: null, scopes, signedInAt: null };
}

function permissions(policy: Policy, caller: Caller, userId: string): string {
  const yes = [policy.mayRead(caller, userId) && 'read', policy.mayUnlink(caller, userId) && 'unlink'];
  return yes.filter((word) => word !== false).join(' ');
}

describe('linking and ending sessions', () => {
  const may = (caller: Caller, userId: string): string[] => [
    ...(allowing.mayLink(caller, userId) ? ['link'] : []),
    ...(allowing.mayRevokeSessions(caller, userId) ? ['revokeSessions'] : []),
  ];

  test.each<[string, Caller, string, string[]]>([
    ['a user on themselves', actor(SELF), SELF, ['revokeSessions']],
    ['a user on another', actor(SELF), OTHER, []],
    ['a user with the scope to link', actor(SELF, 'identity:link'), OTHER, ['link']],
    ['a user with the scope to link, on themselves', actor(SELF, 'identity:link'), SELF, ['revokeSessions']],
    ['a user with the scope for sessions', actor(SELF, 'identity:sessions'), OTHER, ['revokeSessions']],
    ['a user with the other scopes', actor(SELF, 'identity:read', 'identity:unlink'), OTHER, []],
    ['a machine without scopes', actor(null), OTHER, []],
    [
      'a machine with both scopes',
      actor(null, 'identity:link', 'identity:sessions'),
      OTHER,
      ['link', 'revokeSessions'],
    ],
    ['a caller whom the router has authorized', TRUSTED, OTHER, ['link', 'revokeSessions']],
  ])('need their own scope, or for sessions the user: %s', (_who, caller, userId, expected) => {
    expect(may(caller, userId)).toEqual(expected);
    expect(denying.mayLink(caller, userId)).toBe(allowing.mayLink(caller, userId));
    expect(denying.mayRevokeSessions(caller, userId)).toBe(allowing.mayRevokeSessions(caller, userId));
  });

  test.each([undefined, null, {}, 'trusted', { scopes: 'identity:link' }])('are refused to %p', (caller) => {
    expect(may(caller as unknown as Caller, SELF)).toEqual([]);
  });
});

describe('the maximum age of a sign-in', () => {
  const limited = createPolicy({ ...options, selfUnlinkMaxAgeMs: 300_000 });
  const NOW = 1_800_000_000_000;
  const signedIn = (signedInAt: number | null, ...scopes: string[]): Actor => ({
    ...actor(SELF, ...scopes),
    signedInAt,
  });

  test.each<[string, Caller, string, boolean]>([
    ['a recent sign-in', signedIn(NOW - 300_000), SELF, false],
    ['an old sign-in', signedIn(NOW - 300_001), SELF, true],
    ['a sign-in at an unknown time', signedIn(null), SELF, true],
    ['an old sign-in with the scope to unlink', signedIn(NOW - 300_001, 'identity:unlink'), SELF, false],
    ['another user', signedIn(NOW - 300_001), OTHER, false],
    ['a caller whom the router has authorized', TRUSTED, SELF, false],
  ])('is for users who unlink their own identities: %s', (_what, caller, userId, isTooOld) => {
    expect(limited.isSignInTooOld(caller, userId, NOW)).toBe(isTooOld);
    expect(allowing.isSignInTooOld(caller, userId, NOW)).toBe(false);
  });
});

describe('reading and unlinking', () => {
  test.each<[string, Caller, string, { allow: string; deny: string }]>([
    ['a user on themselves', actor(SELF), SELF, { allow: 'read unlink', deny: 'read' }],
    ['a user on another', actor(SELF), OTHER, { allow: '', deny: '' }],
    ['a reader on another', actor(SELF, 'identity:read'), OTHER, { allow: 'read', deny: 'read' }],
    ['a reader on themselves', actor(SELF, 'identity:read'), SELF, { allow: 'read unlink', deny: 'read' }],
    ['an unlinker on another', actor(SELF, 'identity:unlink'), OTHER, { allow: 'unlink', deny: 'unlink' }],
    ['an unlinker on themselves', actor(SELF, 'identity:unlink'), SELF, { allow: 'read unlink', deny: 'read unlink' }],
    ['a machine without scopes', actor(null, 'openid'), OTHER, { allow: '', deny: '' }],
    ['a machine that reads', actor(null, 'openid', 'identity:read'), OTHER, { allow: 'read', deny: 'read' }],
    ['a machine that unlinks', actor(null, 'identity:unlink'), OTHER, { allow: 'unlink', deny: 'unlink' }],
    ['a caller whom the router has authorized', TRUSTED, OTHER, { allow: 'read unlink', deny: 'read unlink' }],
  ])('decides by actor, user and scope: %s', (_who, caller, userId, { allow, deny }) => {
    expect(permissions(allowing, caller, userId)).toBe(allow);
    expect(permissions(denying, caller, userId)).toBe(deny);
  });

  test.each(['identity', 'identity:read:own', 'IDENTITY:READ', 'identity:*', '*', '', 'identity:read identity:unlink'])(
    'requires the exact scope: %p',
    (scope) => {
      expect(permissions(allowing, actor(null, scope), OTHER)).toBe('');
    },
  );

  test('lets no actor act on another user without a scope', () => {
    const sub = fc.option(fc.string(), { nil: null });
    fc.assert(
      fc.property(sub, fc.string(), fc.array(fc.string()), (subject, userId, scopes) => {
        fc.pre(subject !== userId && !scopes.includes('identity:read') && !scopes.includes('identity:unlink'));
        expect(permissions(allowing, actor(subject, ...scopes), userId)).toBe('');
      }),
    );
  });

  test.each([undefined, null, {}, 'trusted', Symbol('trusted'), { scopes: 'identity:read' }, true])(
    'gives a missing or forged caller no permission: %p',
    (caller) => {
      expect(permissions(allowing, caller as unknown as Caller, SELF)).toBe('');
      expect(isSelf(caller as unknown as Caller, SELF)).toBe(false);
    },
  );

  test('gives an empty subject no permission', () => {
    expect(permissions(allowing, actor(''), '')).toBe('');
  });

  test('recognizes users who act on themselves, with any scopes', () => {
    expect(isSelf(actor(SELF, 'identity:unlink'), SELF)).toBe(true);
    expect(isSelf(actor(OTHER, 'identity:unlink'), SELF)).toBe(false);
    expect(isSelf(TRUSTED, SELF)).toBe(false);
  });

  test.each(['', ' ', 'two scopes', 'a"b'])('cannot be created with %p as a scope', (scope) => {
    expect(() => createPolicy({ ...options, scopeRead: scope })).toThrow('scopeRead must be one scope');
    expect(() => createPolicy({ ...options, scopeUnlink: scope })).toThrow('scopeUnlink must be one scope');
    expect(() => createPolicy({ ...options, scopeLink: scope })).toThrow('scopeLink must be one scope');
    expect(() => createPolicy({ ...options, scopeSessions: scope })).toThrow('scopeSessions must be one scope');
  });

  test('always forbids with the same message', () => {
    expect(new ForbiddenError().message).toBe('the caller may not do this');
  });
});
