/** The command line is wrong. The message is for the person who typed it. */
export class UsageError extends Error {}

/** @throws {UsageError} The text is not a number of this range. */
export function readNumber(option: string, text: string, { min, max }: { min: number; max: number }): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(number >= min && number <= max)) throw new UsageError(`${option} takes a number from ${min} to ${max}`);
  return number;
}
