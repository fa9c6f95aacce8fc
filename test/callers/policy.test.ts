import fc from 'fast-check';
import { type Actor, type Caller, createPolicy, ForbiddenError, isSelf, type Policy, TRUSTED } from '../../src/callers';

const SELF = '60194296801dc7bc2a1b2735';
const OTHER = '60194296801dc7bc2a1b2736';
const options = { scopeRead: 'identity:read', scopeUnlink: 'identity:unlink', selfUnlink: 'allow' } as const;
const allowing = createPolicy(options);
const denying = createPolicy({ ...options, selfUnlink: 'deny' });

function actor(sub: string | null, ...scopes: string[]): Actor {
  return { iss: 'https://issuer.example/oidc', sub, azp: null, scopes };
}

function answers(policy: Policy, caller: Caller, userId: string): string {
  const yes = [policy.mayRead(caller, userId) && 'read', policy.mayUnlink(caller, userId) && 'unlink'];
  return yes.filter((word) => word !== false).join(' ');
}

describe('who may do what', () => {
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
    ['whom somebody else has authorized', TRUSTED, OTHER, { allow: 'read unlink', deny: 'read unlink' }],
  ])('depends on who it is: %s', (_who, caller, userId, { allow, deny }) => {
    expect(answers(allowing, caller, userId)).toBe(allow);
    expect(answers(denying, caller, userId)).toBe(deny);
  });

  test.each(['identity', 'identity:read:own', 'IDENTITY:READ', 'identity:*', '*', '', 'identity:read identity:unlink'])(
    'takes no scope for another: %p',
    (scope) => {
      expect(answers(allowing, actor(null, scope), OTHER)).toBe('');
    },
  );

  test('lets nobody act on another user without a scope', () => {
    const sub = fc.option(fc.string(), { nil: null });
    fc.assert(
      fc.property(sub, fc.string(), fc.array(fc.string()), (subject, userId, scopes) => {
        fc.pre(subject !== userId && !scopes.includes('identity:read') && !scopes.includes('identity:unlink'));
        expect(answers(allowing, actor(subject, ...scopes), userId)).toBe('');
      }),
    );
  });

  test.each([undefined, null, {}, 'trusted', Symbol('trusted'), { scopes: 'identity:read' }, true])(
    'takes a forgotten or a forged caller for nobody: %p',
    (caller) => {
      expect(answers(allowing, caller as unknown as Caller, SELF)).toBe('');
      expect(isSelf(caller as unknown as Caller, SELF)).toBe(false);
    },
  );

  test('takes an empty subject for nobody', () => {
    expect(answers(allowing, actor(''), '')).toBe('');
  });

  test('knows a user who acts on themselves, whatever their scopes', () => {
    expect(isSelf(actor(SELF, 'identity:unlink'), SELF)).toBe(true);
    expect(isSelf(actor(OTHER, 'identity:unlink'), SELF)).toBe(false);
    expect(isSelf(TRUSTED, SELF)).toBe(false);
  });

  test.each(['', ' ', 'two scopes', 'a"b'])('is not made with %p for a scope', (scope) => {
    expect(() => createPolicy({ ...options, scopeRead: scope })).toThrow('scopeRead must be one scope');
    expect(() => createPolicy({ ...options, scopeUnlink: scope })).toThrow('scopeUnlink must be one scope');
  });

  test('forbids in the same words always', () => {
    expect(new ForbiddenError().message).toBe('the caller may not do this');
  });
});
