import { type Emulator, startEmulator } from '../../src/emulator';
import { SignatureAuthentication } from '../../src/genauth/authentication';
import { createTransport } from '../../src/genauth/transport';
import { split, toWireRequest } from '../../src/genauth/wireRequest';

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

const ROUTE = 'GET /api/v3/list-ext-idp';

describe('a GET without parameters', () => {
  test('has no question mark, so that GenAuth accepts its signature', async () => {
    const [method, path] = split(ROUTE);
    const { accessKeyId, accessKeySecret } = emulator;
    const signature = new SignatureAuthentication({
      key: { accessKeyId, accessKeySecret },
      brand: 'genauth',
      lang: 'en-US',
    });
    const transport = createTransport({ origin: emulator.url, connectTimeoutMs: 30_000, maxConnections: 1 });
    const request = toWireRequest(ROUTE, {}, signature.headers({ method, path, data: {} }));
    expect(request.path).toBe('/api/v3/list-ext-idp');
    const { body } = await transport.send(request, { timeoutMs: 30_000, deadline: new AbortController().signal });
    expect(JSON.parse(body.toString())).toMatchObject({
      statusCode: 200,
      data: { list: expect.any(Array) as unknown },
    });
    await transport.close();
  });
});
