import { type Deadline, DeadlineError, pause, TimeLimit, untilAborted } from '../src/deadline';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** A deadline that shows its listeners, so that a test notices one that is never removed. */
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
  test('is aborted when its time is up, and not earlier', () => {
    const limit = new TimeLimit(100);
    jest.advanceTimersByTime(99);
    expect(limit.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(limit.aborted).toBe(true);
  });

  test('calls all listeners once, in their order', () => {
    const limit = new TimeLimit(100);
    const told: string[] = [];
    limit.addEventListener('abort', () => told.push('first'));
    limit.addEventListener('abort', () => told.push('second'));
    jest.advanceTimersByTime(1_000);
    expect(told).toEqual(['first', 'second']);
    limit.end();
    expect(told).toEqual(['first', 'second']);
  });

  test('is aborted already when it calls its listeners', () => {
    const limit = new TimeLimit(100);
    let aborted: boolean | undefined;
    limit.addEventListener('abort', () => (aborted = limit.aborted));
    jest.advanceTimersByTime(100);
    expect(aborted).toBe(true);
  });

  test('calls a listener that was added twice only once, as an AbortSignal does', () => {
    const limit = new TimeLimit(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    limit.addEventListener('abort', listener);
    jest.advanceTimersByTime(100);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('does not call listeners that were removed', () => {
    const limit = new TimeLimit(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    limit.removeEventListener('abort', listener);
    // Removing a listener again, or one that was never added, does nothing.
    limit.removeEventListener('abort', listener);
    new TimeLimit(100).removeEventListener('abort', listener);
    jest.advanceTimersByTime(100);
    expect(listener).not.toHaveBeenCalled();
  });

  test('calls the other listeners when one removes itself and its neighbour', () => {
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

  test('does not call a listener that is added after the abort', () => {
    const limit = new TimeLimit(100);
    jest.advanceTimersByTime(100);
    const listener = jest.fn();
    limit.addEventListener('abort', listener);
    jest.advanceTimersByTime(1_000);
    expect(listener).not.toHaveBeenCalled();
    limit.removeEventListener('abort', listener);
  });

  test('that was cancelled calls no listener, and leaves no timer behind', () => {
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

  test('stays aborted when it is cancelled afterwards', () => {
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
  test('settles like the promise, where that settles in time', async () => {
    await expect(untilAborted(Promise.resolve('value'), createDeadline())).resolves.toBe('value');
    const error = new Error('of its own');
    await expect(untilAborted(Promise.reject(error), createDeadline())).rejects.toBe(error);
  });

  test('ends with the deadline, and not earlier', async () => {
    const waiting = untilAborted(new Promise<never>(() => undefined), createDeadline());
    const settled = jest.fn();
    waiting.catch(settled);
    await jest.advanceTimersByTimeAsync(99);
    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(settled).toHaveBeenCalledTimes(1);
    await expect(waiting).rejects.toThrow(DeadlineError);
  });

  test('fails at once where the deadline has passed', async () => {
    const deadline = createDeadline();
    jest.advanceTimersByTime(100);
    await expect(untilAborted(new Promise<never>(() => undefined), deadline)).rejects.toThrow(DeadlineError);
    await expect(untilAborted(Promise.resolve('too late'), deadline)).rejects.toThrow(DeadlineError);
    await expect(pause(1, deadline)).rejects.toThrow(DeadlineError);
  });

  test('pauses for the given time', async () => {
    const passed = jest.fn();
    const paused = pause(50, createDeadline()).then(passed);
    await jest.advanceTimersByTimeAsync(49);
    expect(passed).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(passed).toHaveBeenCalledTimes(1);
    await paused;
  });

  test('ends a pause early', async () => {
    const paused = pause(1_000, createDeadline());
    const cut = jest.fn();
    paused.catch(cut);
    await jest.advanceTimersByTimeAsync(100);
    expect(cut).toHaveBeenCalledTimes(1);
    await expect(paused).rejects.toThrow(DeadlineError);
    // A timer that is left would keep the process alive.
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a wait', () => {
  test('removes its listener at its end, however it ends', async () => {
    const deadline = new Watched();
    await untilAborted(Promise.resolve(), deadline);
    await untilAborted(Promise.reject(new Error('no')), deadline).catch(() => undefined);
    const paused = pause(10, deadline);
    await jest.advanceTimersByTimeAsync(10);
    await paused;
    expect(deadline.listeners.size).toBe(0);
  });

  test('ignores the promise afterwards: a late rejection is handled', async () => {
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
