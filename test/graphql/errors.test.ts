import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { locatedError } from 'graphql';
import { ForbiddenError } from '../../src/callers';
import { DeadlineError } from '../../src/deadline';
import { InvalidArgumentError, ManagementRefusedError, ManagementUnreachableError } from '../../src/genauth';
import { CODE_OF_REFUSAL, CODE_OF_UNREACHABILITY, createFormatError } from '../../src/graphql/errors';
import { Rejection, type RejectionKind } from '../../src/http/rejections';
import {
  LastIdentityError,
  NotAnIdentitySourceError,
  NotExecutedError,
  NotVisibleError,
  OutcomeUnknownError,
  SignInTooOldError,
} from '../../src/identities';
import { ROOT } from '../support/process';

const READ = 'GET /api/v3/get-user-batch';
const format = createFormatError(() => undefined);

function extensionsOf(cause: Error): Record<string, unknown> {
  const error = locatedError(cause, undefined, ['unlinkIdentity']);
  return { ...format(error.toJSON(), error).extensions };
}

const UPSTREAM: readonly Error[] = [
  ...(Object.keys(CODE_OF_UNREACHABILITY) as (keyof typeof CODE_OF_UNREACHABILITY)[]).map(
    (reason) => new ManagementUnreachableError(READ, reason, 'no'),
  ),
  ...(Object.keys(CODE_OF_REFUSAL) as (keyof typeof CODE_OF_REFUSAL)[]).map(
    (refusal) => new ManagementRefusedError(READ, { refusal, statusCode: 400 }),
  ),
  new DeadlineError(),
];

/** Every reason why a mutation is not executed. */
const REASONS: readonly Error[] = [
  ...UPSTREAM,
  new ForbiddenError(),
  new InvalidArgumentError('userId', 'is not an id'),
  new NotAnIdentitySourceError(),
  new LastIdentityError(),
  new SignInTooOldError(),
  new Error('unexpected'),
];

/** The cells of the table that begins with these columns. */
function tableOf(...columns: string[]): string[][] {
  const lines = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').split('\n');
  const rows = lines.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
      .slice(1, -1),
  );
  const start = rows.findIndex((row) => columns.every((column, index) => row[index] === column));
  const length = rows.slice(start).findIndex((row) => row.length === 0);
  return rows.slice(start + 2, start + length);
}

const yesOrNo = (extensions: object): string => ('retryAfterMs' in extensions ? 'yes' : 'no');

describe('docs/errors.md', () => {
  test('has the outcome and retryAfterMs of every error of a mutation', () => {
    const errors = [
      ...REASONS.map((reason) => new NotExecutedError(reason)),
      ...(['unlink', 'link'] as const).map((kind) => new OutcomeUnknownError(kind, new NotVisibleError(), 'one')),
    ];
    const rows = errors.map((error) => {
      const extensions = extensionsOf(error);
      return [extensions['code'], extensions['outcome'], yesOrNo(extensions)].join(' ');
    });
    const documented = tableOf('code', 'outcome', 'retryAfterMs').map((row) => row.slice(0, 3).join(' '));
    expect([...new Set(rows)].sort()).toEqual([...documented].sort());
  });

  test('has the outcome and retryAfterMs of every request that is refused as a whole', () => {
    const documented = tableOf('status', 'code', 'outcome', 'retryAfterMs').flatMap(
      ([status = '', codes = '', outcome, retry]) => codes.split(', ').map((code) => [status, code, outcome, retry]),
    );
    const kinds = documented.map(([status, code]) => (status === '503' ? code : Number(status)) as RejectionKind);
    // Apollo Server refuses with the other codes of 400, and with 406.
    const own = documented.filter(([status, code]) => status !== '406' && (status !== '400' || code === 'BAD_REQUEST'));
    const rows = [...new Set(kinds)]
      .filter((kind) => String(kind) !== '406')
      .map((kind) => {
        const { status, body } = new Rejection(kind);
        const extensions =
          (JSON.parse(body) as { errors: { extensions: Record<string, string> }[] }).errors[0]?.extensions ?? {};
        return [String(status), extensions['code'], extensions['outcome'] ?? '–', yesOrNo(extensions)];
      });
    expect(rows).toEqual(own);
  });
});

describe('retryAfterMs', () => {
  test('of a read is present for the same codes as that of a mutation', () => {
    for (const reason of UPSTREAM) {
      const { outcome, ...ofMutation } = extensionsOf(new NotExecutedError(reason));
      expect(outcome).toBe('NOT_EXECUTED');
      expect(extensionsOf(reason)).toEqual(ofMutation);
    }
  });

  test('never stands beside an unknown outcome', () => {
    for (const kind of ['unlink', 'link', 'sessions'] as const) {
      for (const reason of REASONS) {
        const extensions = extensionsOf(new OutcomeUnknownError(kind, reason, 'one'));
        expect(extensions).toEqual({ code: expect.any(String), outcome: 'UNKNOWN', operationId: 'one' });
      }
    }
  });

  test('is the time that the error knows, where there is one', () => {
    const paused = new ManagementUnreachableError(READ, 'paused', 'no', { retryAfterMs: 4_321 });
    expect(extensionsOf(new NotExecutedError(paused))).toMatchObject({ retryAfterMs: 4_321 });
    const refused = new ManagementRefusedError(READ, { refusal: 'rate_limited', statusCode: 429, retryAfterMs: 0 });
    expect(extensionsOf(refused)).toMatchObject({ retryAfterMs: 0 });
  });
});
