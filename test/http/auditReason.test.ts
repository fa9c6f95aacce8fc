import { readFile } from 'node:fs/promises';
import { JSON_TYPE, request, send } from '../support/rawHttp';
import { auditTrail, type Fixture } from '../faults/fixtures';
import { type Stack, startStack, UNLINK, type UnlinkAnswer, userIdsOf } from '../support/stack';

const GITHUB = '62f20932716fbcc10d966ee6';

describe('x-audit-reason', () => {
  let trail: Fixture;
  let stack: Stack;
  beforeEach(async () => {
    trail = await auditTrail();
    stack = await startStack({ env: trail.env });
  });
  afterEach(async () => {
    await stack.close();
    await trail.close();
  });

  const unlink = (headers: Record<string, string>) =>
    stack.ask<UnlinkAnswer>(UNLINK, { userId: userIdsOf(stack.emulator)[0], extIdpId: GITHUB }, headers);

  async function records(): Promise<Record<string, unknown>[]> {
    const text = await readFile(trail.env['AUDIT_LOG'] ?? '', 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test.each([
    ['in ASCII', 'ticket 42', 'ticket 42'],
    ['percent-encoded', encodeURIComponent('工单 42: 泄露 100%'), '工单 42: 泄露 100%'],
    ['of 200 characters', encodeURIComponent('泄'.repeat(200)), '泄'.repeat(200)],
  ])('becomes the reason in the record of the intent: %s', async (_name, header, reason) => {
    const { data } = await unlink({ 'x-audit-reason': header });
    expect(data?.unlinkIdentity?.success).toBe(true);
    const [intent, outcome] = await records();
    expect(intent).toMatchObject({ event: 'unlink.intent', reason });
    expect(outcome).not.toHaveProperty('reason');
  });

  test.each([
    ['is missing', {}],
    ['is empty', { 'x-audit-reason': '' }],
  ])('leaves the record without a reason if it %s', async (_name, headers) => {
    await unlink(headers);
    const [intent] = await records();
    expect(intent).toMatchObject({ event: 'unlink.intent' });
    expect(intent).not.toHaveProperty('reason');
  });

  test.each([
    ['201 characters', 'x'.repeat(201)],
    ['an incomplete escape', '100%'],
    ['bytes that are not UTF-8', '%ff%fe'],
    ['an encoded line feed', 'a%0Ab'],
    ['characters that are not encoded', '\u00e9'],
  ])('is refused with %s, and nothing is sent', async (_name, header) => {
    stack.emulator.clearCalls();
    const { status, errors } = await unlink({ 'x-audit-reason': header });
    expect([status, errors[0]?.extensions]).toEqual([400, { code: 'BAD_REQUEST', outcome: 'NOT_EXECUTED' }]);
    expect(stack.emulator.calls).toEqual([]);
    expect(await records()).toEqual([]);
  });

  test('is refused if it is repeated', async () => {
    const headers = [JSON_TYPE, 'x-audit-reason: one', 'x-audit-reason: two'];
    const [response] = await send(stack.subgraph.url, request('/graphql', headers).replace('subgraph', 'localhost'));
    expect(response?.status).toBe(400);
  });
});
