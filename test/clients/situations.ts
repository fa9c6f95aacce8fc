import type { UnlinkJudgement } from '../../src/client';
import type { SeedUser } from '../../src/emulator';
import type { Respond } from '../faults/proxy';
import * as responses from '../faults/responses';
import type { Loss } from './unreliableNetwork';

/** What a page shows before and after it has tried to disconnect an account. */
export interface Played {
  name: string;
  view: unknown;
  judgement: UnlinkJudgement;
  /** Whether the client's cache has the account. Absent for a client without a cache. */
  isShown?: boolean;
  /** The `unlinkBlockedBy` of the accounts in the client's cache, if the payload has the user. */
  left?: readonly unknown[];
  /** The judgement of `revokeSessions` after an unlink, for one of the clients. */
  signedOut?: unknown;
  /** What a read showed after an unknown outcome. */
  settled?: string;
  /** The result of the same request after `retryAfterMs`. */
  later?: string;
}

type Row = Record<string, unknown>;

export interface Situation {
  name: string;
  /** Whose token is sent. Default: the user's own. */
  caller?: 'another user' | 'expired';
  /** Default: the user has identities of two sources. */
  hasOneIdentity?: boolean;
  /** GenAuth's response to the unlink. */
  onUnlink?: { respond: Respond; executed?: boolean; times?: number };
  /** Changes the user's row in what GenAuth responds to reads. */
  changeRow?: (row: Row, wasUnlinked: boolean) => Row;
  loss?: Loss;
  /** Default: both accounts, none of them blocked. What the page shows before the unlink. */
  view?: unknown;
  judgement: unknown;
  /** Undefined if the list could not be read. */
  isShown: boolean | undefined;
  left?: readonly unknown[];
  settled?: string;
  later?: string;
}

const operationId = expect.any(String);
/** Refused before there was an operation to record. */
const refusal = { kind: 'notExecuted', operationId: null };

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'done',
    judgement: expect.objectContaining({ kind: 'unlinked', operationId, removed: [expect.anything()] }),
    isShown: false,
    left: ['LAST_IDENTITY'],
  },
  {
    name: 'done, and the user cannot be read afterwards',
    changeRow: ({ userId, ...row }, wasUnlinked) => (wasUnlinked ? { userId } : { userId, ...row }),
    judgement: expect.objectContaining({ kind: 'unlinked', operationId, removed: null, user: null }),
    isShown: false,
  },
  {
    name: 'an unknown outcome for a user who cannot be read',
    changeRow: (row) => ({ ...row, identities: SOURCES.map(({ id }) => ({ extIdpId: id, type: 'generic' })) }),
    view: {
      view: 'accounts cannot be shown now',
      name: expect.stringMatching(/^user a/),
      errors: [expect.objectContaining({ code: 'UPSTREAM_BAD_RESPONSE' })],
    },
    judgement: { kind: 'unknown', operationId },
    isShown: undefined,
    settled: 'unknown',
  },
  {
    name: 'done, although the response of GenAuth was lost',
    onUnlink: { respond: responses.reset, executed: true },
    judgement: expect.objectContaining({ kind: 'unlinked', operationId, removed: [expect.anything()] }),
    isShown: false,
    left: ['LAST_IDENTITY'],
  },
  {
    name: 'refused by GenAuth',
    onUnlink: { respond: responses.envelope(422, 2216) },
    judgement: { kind: 'refused', apiCode: 2216, requestId: 'r-1', operationId },
    isShown: true,
  },
  {
    name: 'the last way to sign in',
    hasOneIdentity: true,
    view: expect.objectContaining({ accounts: [expect.objectContaining({ blockedBy: 'LAST_IDENTITY' })] }),
    judgement: { ...refusal, code: 'LAST_IDENTITY' },
    isShown: true,
  },
  {
    name: 'forbidden',
    caller: 'another user',
    judgement: { ...refusal, code: 'FORBIDDEN' },
    isShown: true,
  },
  {
    name: 'a token that has expired',
    caller: 'expired',
    judgement: { ...refusal, code: 'UNAUTHENTICATED' },
    isShown: undefined,
    view: { view: 'sign in' },
  },
  {
    name: 'an unknown outcome',
    onUnlink: { respond: responses.reset },
    judgement: { kind: 'unknown', operationId },
    isShown: true,
    settled: 'stillLinked',
  },
  {
    name: 'a lost connection',
    loss: 'lost connection',
    judgement: { kind: 'unknown', operationId: null },
    isShown: true,
    settled: 'unlinked',
  },
  {
    name: 'a timeout of a load balancer',
    loss: 'timeout of a load balancer',
    judgement: { kind: 'unknown', operationId: null },
    isShown: true,
    settled: 'unlinked',
  },
  {
    name: 'a router that verifies tokens itself',
    loss: 'refused by the router',
    view: { view: 'sign in' },
    judgement: { kind: 'unknown', operationId: null },
    isShown: undefined,
    settled: 'unknown',
  },
  {
    name: 'a rate limit',
    onUnlink: { respond: responses.http(429, '', { 'retry-after': '0' }), times: 1 },
    judgement: { ...refusal, operationId, code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: expect.any(Number) },
    isShown: true,
    later: 'unlinked',
  },
];

/** Returns the user of a situation, with a number that no other user has. */
export function userOf(
  { hasOneIdentity = false }: Pick<Situation, 'hasOneIdentity'>,
  number: number,
): SeedUser & { id: string } {
  const sources = hasOneIdentity ? [SOURCES[0]] : SOURCES;
  return {
    id: `a${number.toString(16).padStart(23, '0')}`,
    identities: sources.map(({ id }) => ({
      extIdpId: id,
      userIdInIdp: `account-${number}`,
      userInfoInIdp: { nickname: `Ada ${number}` },
    })),
  };
}

export const SOURCES = [
  { id: `e${'0'.repeat(23)}`, name: 'WeChat', type: 'wechat' },
  { id: `e${'1'.repeat(23)}`, name: 'GitHub', type: 'github' },
] as const;
