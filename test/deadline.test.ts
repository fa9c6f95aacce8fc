import { type Deadline, DeadlineError, pause, TimeLimit, untilAborted } from '../src/deadline';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Counts who listens, so that a listener that stays behind is seen. */
class Watched implements Deadline {
  readonly listeners = new Set<() => void>();
  aborted = false;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  pass(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

describe('a time limit', () => {
  test('is aborted when its time is up, and not before', () => {
    const limit = new TimeLimit(100);
    jest.advanceTimersByTime(99);
    expect(limit.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(limit.aborted).toBe(true);
  });

  test('tells everybody who listens, once and in their order', () => {
    const limit = new TimeLimit(100);
    const told: string[] = [];
    limit.addEventListener('abort', () => told.push('first'));
    limit.addEventListener('abort', () => told.push('second'));
    jest.advanceTimersByTime(1_000);
    expect(told).toEqual(['first', 'second']);
    limit.end();
    expect(told).toEqual(['first', 'second']);
  });

  test('counts as aborted for those whom it tells', () => {
    const limit = new TimeLimit(100);
    let aborted: boolean | undefined;
    limit.addEventListener('abort', () => (aborted = limit.aborted));
    jest.advanceTimersByTime(100);
    expect(aborted).toBe(true);
  });

  test('tells one listener that listens twice only once, as an AbortSignal does', () => {
    const limit = new TimeLimit(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    limit.addEventListener('abort', listener);
    jest.advanceTimersByTime(100);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('does not tell those who listen no more', () => {
    const limit = new TimeLimit(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    limit.removeEventListener('abort', listener);
    // Nobody listens, and nobody ever did: both can be taken away.
    limit.removeEventListener('abort', listener);
    new TimeLimit(100).removeEventListener('abort', listener);
    jest.advanceTimersByTime(100);
    expect(listener).not.toHaveBeenCalled();
  });

  test('tells the others when one of them takes itself, or its neighbour, away', () => {
    const limit = new TimeLimit(100);
    const told: string[] = [];
    const neighbour = (): void => void told.push('neighbour');
    const first = (): void => {
      told.push('first');
      limit.removeEventListener('abort', first);
      limit.removeEventListener('abort', neighbour);
    };
    limit.addEventListener('abort', first);
    limit.addEventListener('abort', neighbour);
    limit.addEventListener('abort', () => told.push('last'));
    jest.advanceTimersByTime(100);
    expect(told).toEqual(['first', 'last']);
  });

  test('does not tell those who come late: they have to look', () => {
    const limit = new TimeLimit(100);
    jest.advanceTimersByTime(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    jest.advanceTimersByTime(1_000);
    expect(listener).not.toHaveBeenCalled();
    limit.removeEventListener('abort', listener);
  });

  test('that was lifted ends nothing any more, and leaves no timer behind', () => {
    const limit = new TimeLimit(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    limit.end();
    expect(jest.getTimerCount()).toBe(0);
    limit.addEventListener('abort', listener);
    limit.end();
    jest.advanceTimersByTime(1_000);
    expect(limit.aborted).toBe(false);
    expect(listener).not.toHaveBeenCalled();
  });

  test('stays aborted when it is lifted afterwards', () => {
    const limit = new TimeLimit(100);
    jest.advanceTimersByTime(100);
    limit.end();
    expect(limit.aborted).toBe(true);
  });
});

describe.each<[string, () => Deadline]>([
  ['a TimeLimit', () => new TimeLimit(100)],
  [
    'an AbortSignal',
    () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 100);
      return controller.signal;
    },
  ],
])('waiting until %s is aborted', (_title, createDeadline) => {
  test('gives what was waited for, where that is in time', async () => {
    await expect(untilAborted(Promise.resolve('value'), createDeadline())).resolves.toBe('value');
    const error = new Error('of its own');
    await expect(untilAborted(Promise.reject(error), createDeadline())).rejects.toBe(error);
  });

  test('ends with the deadline, and not before', async () => {
    const waiting = untilAborted(new Promise<never>(() => undefined), createDeadline());
    const settled = jest.fn();
    waiting.catch(settled);
    await jest.advanceTimersByTimeAsync(99);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledTimes(1);
    await expect(waiting).rejects.toThrow(DeadlineError);
  });

  test('does not begin where the deadline has passed', async () => {
    const deadline = createDeadline();
    jest.advanceTimersByTime(100);
    await expect(untilAborted(new Promise<never>(() => undefined), deadline)).rejects.toThrow(DeadlineError);
    await expect(untilAborted(Promise.resolve('too late'), deadline)).rejects.toThrow(DeadlineError);
    await expect(pause(1, deadline)).rejects.toThrow(DeadlineError);
  });

  test('pauses for as long as it was told to', async () => {
    const passed = jest.fn();
    const paused = pause(50, createDeadline()).then(passed);
    await jest.advanceTimersByTimeAsync(49);
    expect(passed).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(passed).toHaveBeenCalledTimes(1);
    await paused;
  });

  test('cuts a pause short', async () => {
    const paused = pause(1_000, createDeadline());
    const cut = jest.fn();
    paused.catch(cut);
    await jest.advanceTimersByTimeAsync(100);
    expect(cut).toHaveBeenCalledTimes(1);
    await expect(paused).rejects.toThrow(DeadlineError);
    // The pause's own timer would keep a process alive that has nothing else to do.
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('whoever waits', () => {
  test('takes the listener away when the wait is over, however it ended', async () => {
    const deadline = new Watched();
    await untilAborted(Promise.resolve(), deadline);
    await untilAborted(Promise.reject(new Error('no')), deadline).catch(() => undefined);
    const paused = pause(10, deadline);
    await jest.advanceTimersByTimeAsync(10);
    await paused;
    expect(deadline.listeners.size).toBe(0);
  });

  test('is not told of what becomes of the promise afterwards, and neither is the process', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const deadline = new Watched();
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const waiting = untilAborted(late, deadline);
    deadline.pass();
    await expect(waiting).rejects.toThrow(DeadlineError);
    fail(new Error('too late'));
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
