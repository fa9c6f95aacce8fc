import { createInterface } from 'node:readline';
import { NotConfirmedError } from './errors';

/** Characters that a terminal would execute, or that change the direction or the lines of a text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Returns a text from elsewhere as it may be printed. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

export function complain(text: string): void {
  // In place of the line that shows the progress.
  process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${text}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Asks on stderr, and reads one line from stdin.
 *
 * @throws {NotConfirmedError} The line is not `y` or `yes`, or there is none.
 * @throws The reason of the signal.
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  process.stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: process.stdin, signal });
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(''));
  });
  lines.close();
  signal.throwIfAborted();
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new NotConfirmedError('Not confirmed. Nothing was changed.');
}

/** Formats rows as columns. The first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))));
  const lines = cells.map((row) =>
    row.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell))).join('  '),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Characters of two columns. @see https://www.unicode.org/reports/tr11/ */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
/** Returns the number of columns that a text takes in a terminal. */
function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
