import { BrokenCircuitError } from 'cockatiel';
import { ManagementUnreachableError } from '../../src/genauth';
import { Breaker } from '../../src/genauth/breaker';

const FAILURE = new ManagementUnreachableError('GET /api/v3/get-user-batch', 'reset', 'maybe');

async function openBreaker(): Promise<Breaker> {
  const breaker = new Breaker();
  for (let call = 0; call < 30; call++) {
    await breaker.execute(() => Promise.reject(FAILURE)).catch(() => undefined);
  }
  expect(breaker.state).toBe('open');
  return breaker;
}

describe('the circuit breaker', () => {
  afterEach(() => jest.restoreAllMocks());

  test('rejects calls while it is open', async () => {
    const breaker = await openBreaker();
    await expect(breaker.execute(() => Promise.resolve('sent'))).rejects.toThrow(BrokenCircuitError);
  });

  test.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('does not stay open when the wall clock is set %s by an hour', async (_direction, ms) => {
    const breaker = await openBreaker();
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
    await expect(breaker.execute(() => Promise.resolve('sent'))).resolves.toBe('sent');
    expect(breaker.state).toBe('closed');
    expect(breaker.retryAfterMs).toBe(0);
  });

  test('opens again after the wall clock was set, if calls go on failing', async () => {
    const breaker = await openBreaker();
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    for (let call = 0; call < 30; call++) {
      await breaker.execute(() => Promise.reject(FAILURE)).catch(() => undefined);
    }
    expect(breaker.state).toBe('open');
  });
});
