import { type ManagementClient, type ManagementClientOptions, ManagementRefusedError } from '../../src/genauth';
import { ManagementStub, type ReceivedRequest, type Reply, SUCCESS } from './managementStub';

const USER = '6229ffaa0000000000000001';
const SOURCE = '62f2093271600cc10d966ee5';
const TOKEN_ROUTE = 'POST /api/v3/get-management-token';
const READ_ROUTE = 'GET /api/v3/get-user-batch';
const UNLINK_ROUTE = 'POST /api/v3/unlink-identity';
const LIFE_S = 7_200;

let stub: ManagementStub;
/** The client's clock, in milliseconds, which stands still. */
let clock: number;
/** The response of the token endpoint. Default: a token whose number grows. */
let token: () => Reply | Promise<Reply>;
/** The response of every other endpoint. */
let reply: (request: ReceivedRequest) => Reply;
let issued: number;

beforeEach(async () => {
  stub = await ManagementStub.start();
  clock = 0;
  issued = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  token = () => issue(`token${++issued}`);
  reply = () => ({ statusCode: 200, data: [] });
  stub.reply = (request) => (request.route === TOKEN_ROUTE ? token() : reply(request));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await stub.close();
});

function issue(accessToken: unknown, expiresIn: unknown = LIFE_S): Reply {
  return { statusCode: 200, data: { access_token: accessToken, expires_in: expiresIn } };
}

function open(options: Partial<ManagementClientOptions> = {}): ManagementClient {
  return stub.client({ authentication: 'token', ...options });
}

function read(client: ManagementClient, deadline = new AbortController().signal): Promise<unknown> {
  return client.getUserBatch([client.parseId('userId', USER)], { deadline });
}

function unlink(client: ManagementClient): Promise<unknown> {
  const request = { userId: client.parseId('userId', USER), extIdpId: client.parseId('extIdpId', SOURCE) };
  return client.unlinkIdentity(request, { deadline: new AbortController().signal, idempotencyKey: 'operation-1' });
}

function fetches(): number {
  return stub.routes().filter((route) => route === TOKEN_ROUTE).length;
}

/** The tokens that the operations sent, in order. */
function tokensUsed(): (string | undefined)[] {
  return stub.requests.filter(({ route }) => route !== TOKEN_ROUTE).map(({ headers }) => headers.authorization);
}

function accepted(...tokens: string[]): (request: ReceivedRequest) => Reply {
  return ({ headers, route }) => {
    if (!tokens.includes(headers.authorization ?? '')) return { statusCode: 401, apiCode: 2020, message: 'no' };
    return route === UNLINK_ROUTE ? SUCCESS : { statusCode: 200, data: [] };
  };
}

describe('a management token', () => {
  test('is fetched with the access key, and sent with the request', async () => {
    await read(open());
    expect(stub.routes()).toEqual([TOKEN_ROUTE, READ_ROUTE]);
    const [fetched, sent] = stub.requests;
    expect(JSON.parse(fetched?.body ?? '')).toEqual({
      accessKeyId: 'userpool0000000000000001',
      accessKeySecret: 'secret0000000000000000000000abcd',
    });
    expect(fetched?.headers).not.toHaveProperty('authorization');
    expect(sent?.headers).toMatchObject({
      authorization: 'Bearer token1',
      'x-genauth-lang': 'en-US',
      'x-authing-lang': 'en-US',
      'accept-encoding': 'identity',
    });
    expect(sent?.headers).not.toHaveProperty('date');
  });

  test('is fetched once for all calls, at once and one after another', async () => {
    const client = open({ maxConcurrency: 128 });
    await Promise.all(Array.from({ length: 100 }, () => read(client)));
    await read(client);
    expect(fetches()).toBe(1);
    expect(tokensUsed()).toEqual(Array.from({ length: 101 }, () => 'Bearer token1'));
  });

  test('is not fetched again before 80 % of its lifetime', async () => {
    const client = open();
    await read(client);
    clock = LIFE_S * 1000 * 0.79;
    // A renewal would be on its way before the first of these, and known of after the last.
    for (let call = 0; call < 5; call++) await read(client);
    expect(fetches()).toBe(1);
  });

  test('is still used at 80 % of its lifetime while the next one is fetched, once', async () => {
    const client = open();
    await read(client);
    clock = LIFE_S * 1000 * 0.81;
    const renewal = hold();
    await Promise.all([read(client), read(client), read(client)]);
    await renewal.asked;
    expect(tokensUsed()).toEqual(Array.from({ length: 4 }, () => 'Bearer token1'));
    renewal.answer(issue('next'));
    await settled(client, 'Bearer next');
    expect(fetches()).toBe(2);
  });

  test('is used until it expires while renewals fail, with a pause between renewals', async () => {
    const client = open();
    await read(client);
    let attempts = 0;
    let attempted: () => void = () => undefined;
    const failure = new Promise<void>((resolve) => (attempted = resolve));
    token = () => {
      attempts++;
      attempted();
      return 503;
    };
    clock = LIFE_S * 1000 * 0.9;
    await read(client);
    await failure;
    for (let call = 0; call < 20; call++) await read(client);
    expect(attempts).toBe(1);
    expect(new Set(tokensUsed())).toEqual(new Set(['Bearer token1']));
    clock = LIFE_S * 1000 + 1_000;
    await expect(read(client)).rejects.toMatchObject({ reason: 'http_error', sent: 'no' });
    expect(attempts).toBe(2);
  });

  test('delays calls once the previous token has expired', async () => {
    const client = open();
    await read(client);
    clock = LIFE_S * 1000 + 1;
    await Promise.all([read(client), read(client)]);
    expect(tokensUsed()).toEqual(['Bearer token1', 'Bearer token2', 'Bearer token2']);
    expect(fetches()).toBe(2);
  });
});

describe('a token that GenAuth refuses', () => {
  test.each<[string, Reply]>([
    ['apiCode 2020', { statusCode: 401, apiCode: 2020 }],
    ['statusCode 401', { statusCode: 401 }],
    ['HTTP 401', 401],
  ])('with %s is replaced, and the call is made once more', async (_title, refusal) => {
    reply = ({ headers }) => (headers.authorization === 'Bearer token1' ? refusal : SUCCESS);
    expect(await unlink(open())).toMatchObject({ requestId: SUCCESS.requestId });
    expect(stub.routes()).toEqual([TOKEN_ROUTE, UNLINK_ROUTE, TOKEN_ROUTE, UNLINK_ROUTE]);
    expect(tokensUsed()).toEqual(['Bearer token1', 'Bearer token2']);
  });

  test('is replaced once for all the calls that failed with it', async () => {
    const client = open();
    await read(client);
    reply = accepted('Bearer token2');
    await Promise.all(Array.from({ length: 10 }, () => read(client)));
    expect(fetches()).toBe(2);
  });

  test('for the second time fails the call', async () => {
    reply = accepted();
    const error = await unlink(open()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ManagementRefusedError);
    expect(error).toMatchObject({ refusal: 'credentials', statusCode: 401, apiCode: 2020, route: UNLINK_ROUTE });
    expect(stub.routes()).toEqual([TOKEN_ROUTE, UNLINK_ROUTE, TOKEN_ROUTE, UNLINK_ROUTE]);
  });

  test.each<[string, Reply]>([
    ['GenAuth refuses the call itself', { statusCode: 403 }],
    ['GenAuth is out of breath', 429],
    ['GenAuth fails', 500],
    ['the very request arrived before', { statusCode: 401, apiCode: 1306 }],
  ])('is another matter than that %s, which is not repeated', async (_title, refusal) => {
    reply = () => refusal;
    await expect(unlink(open())).rejects.toThrow();
    expect(stub.routes()).toEqual([TOKEN_ROUTE, UNLINK_ROUTE]);
  });

  test('and that cannot be replaced fails the call, which is not executed', async () => {
    const client = open();
    await read(client);
    reply = accepted();
    token = () => 503;
    await expect(unlink(client)).rejects.toMatchObject({ reason: 'http_error', sent: 'no', route: UNLINK_ROUTE });
  });
});

describe('a token endpoint that fails', () => {
  test('fails a thousand waiting calls with one fetch, and none of them was sent', async () => {
    const client = open({ maxConcurrency: 2_000 });
    const failing = hold();
    const calls = Promise.allSettled(Array.from({ length: 1_000 }, () => unlink(client)));
    await failing.asked;
    failing.answer(503);
    for (const outcome of await calls) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { name: 'ManagementUnreachableError', reason: 'http_error', sent: 'no', route: UNLINK_ROUTE },
      });
    }
    expect(stub.routes()).toEqual([TOKEN_ROUTE]);
  });

  test('is not requested for a second, and then requested again', async () => {
    const client = open();
    token = () => 503;
    await expect(read(client)).rejects.toMatchObject({ sent: 'no' });
    token = () => issue('late');
    clock = 999;
    await expect(read(client)).rejects.toMatchObject({ reason: 'http_error', sent: 'no' });
    clock = 1_000;
    await read(client);
    expect(stub.routes()).toEqual([TOKEN_ROUTE, TOKEN_ROUTE, READ_ROUTE]);
  });

  test.each<[string, Reply]>([
    ['no data', { statusCode: 200 }],
    ['no token', issue(undefined)],
    ['a token that is no text', issue(7)],
    ['an empty token', issue('')],
    ['a token that would forge a header', issue('a\r\nx-forged: 1')],
    ['a token too long for a header', issue('x'.repeat(8_193))],
    ['no life', issue('t', null)],
    ['a life that is over', issue('t', 0)],
    ['a negative life', issue('t', -1)],
    ['a life that is a text', issue('t', '7200')],
  ])('with %s is not believed', async (_title, answer) => {
    token = () => answer;
    await expect(read(open())).rejects.toMatchObject({ reason: 'shape', sent: 'no', route: READ_ROUTE });
    expect(stub.routes()).toEqual([TOKEN_ROUTE]);
  });

  test('by refusing the access key is reported as a refusal of credentials', async () => {
    token = () => ({ statusCode: 401, message: 'no', requestId: 'r1' });
    await expect(unlink(open())).rejects.toMatchObject({
      name: 'ManagementRefusedError',
      refusal: 'credentials',
      requestId: 'r1',
    });
    expect(stub.routes()).toEqual([TOKEN_ROUTE]);
  });

  test('by not responding fails each call at its own deadline, and the late token serves other calls', async () => {
    const client = open();
    const slow = hold();
    const controller = new AbortController();
    const impatient = read(client, controller.signal);
    const patient = read(client);
    await slow.asked;
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ reason: 'deadline', sent: 'no', route: READ_ROUTE });
    slow.answer(issue('slow'));
    await patient;
    expect(tokensUsed()).toEqual(['Bearer slow']);
    expect(fetches()).toBe(1);
  });
});

/** Keeps the next fetches waiting until they are answered. */
function hold(): { asked: Promise<void>; answer: (reply: Reply) => void } {
  let answer: (reply: Reply) => void = () => undefined;
  const answered = new Promise<Reply>((resolve) => (answer = resolve));
  const asked = new Promise<void>((resolve) => {
    token = () => {
      resolve();
      return answered;
    };
  });
  return { asked, answer };
}

/** Calls until a token is used. Nothing tells from outside when a renewal in the background has come home. */
async function settled(client: ManagementClient, authorization: string): Promise<void> {
  while (!tokensUsed().includes(authorization)) await read(client);
}
