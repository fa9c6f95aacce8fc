import { ManagementStub } from './managementStub';

const USER = '6229ffaa0000000000000001';

let stub: ManagementStub;
let accessToken: string;

beforeEach(async () => {
  stub = await ManagementStub.start();
  stub.reply = ({ route }) =>
    route === 'POST /api/v3/get-management-token'
      ? { statusCode: 200, data: { access_token: accessToken, expires_in: 7_200 } }
      : { statusCode: 200, data: [] };
});

afterEach(() => stub.close());

/** Returns the headers of one call under each of the two names. */
async function poolsSent(userPoolId: string | null): Promise<unknown[]> {
  const client = stub.client({ authentication: 'token', userPoolId });
  await client.getUserBatch([client.parseId('userId', USER)], { deadline: new AbortController().signal });
  const headers = stub.requests[1]?.headers ?? {};
  return [headers['x-authing-userpool-id'], headers['x-genauth-userpool-id']];
}

function jwt(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

describe('the user pool', () => {
  test('is the one that the token names, and is sent under both header names', async () => {
    accessToken = jwt({ scoped_userpool_id: '60b49eb83fd80adb96f26e68' });
    expect(await poolsSent(null)).toEqual(['60b49eb83fd80adb96f26e68', '60b49eb83fd80adb96f26e68']);
  });

  test('is the configured one before the one that the token names', async () => {
    accessToken = jwt({ scoped_userpool_id: '60b49eb83fd80adb96f26e68' });
    expect(await poolsSent('pool')).toEqual(['pool', 'pool']);
  });

  test.each([
    ['is opaque', 'opaque'],
    ['holds no JSON', 'a.b.c'],
    ['holds null', jwt(null)],
    ['names none', jwt({})],
    ['names one that is no text', jwt({ scoped_userpool_id: 7 })],
    ['names one that would forge a header', jwt({ scoped_userpool_id: 'a\r\nx-forged: 1' })],
  ])('is left out when the token %s', async (_title, token) => {
    accessToken = token;
    expect(await poolsSent(null)).toEqual([undefined, undefined]);
  });
});
