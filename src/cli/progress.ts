/** How often the line is drawn, and the time over which the speed is measured, in milliseconds. */
const DRAW_MS = 500;
const WINDOW_MS = 10_000;

/** Shows one line on stderr: done, speed, and the time that is left. Shows nothing if stderr is not a terminal. */
export class Progress {
  readonly #status: () => { done: number; all: number; note: string };
  readonly #samples: { at: number; done: number }[] = [];
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(status: () => { done: number; all: number; note: string }) {
    this.#status = status;
    if (process.stderr.isTTY) this.#timer = setInterval(() => this.#draw(), DRAW_MS).unref();
  }

  /** Removes the line. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    process.stderr.write('\r\x1b[K');
  }

  #draw(): void {
    const { done, all, note } = this.#status();
    const at = performance.now();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    const seconds = (at - (first?.at ?? at)) / 1_000;
    const perSecond = seconds === 0 ? 0 : (done - (first?.done ?? 0)) / seconds;
    const left = perSecond > 0 ? `, ${duration((all - done) / perSecond)} left` : '';
    process.stderr.write(
      `\r\x1b[K${done} of ${all}, ${perSecond.toFixed(0)}/s${left}${note === '' ? '' : `, ${note}`}`,
    );
  }
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
