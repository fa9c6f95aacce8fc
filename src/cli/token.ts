import { exec } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { UsageError } from './errors';

/** The source of the token. */
export type TokenSource =
  | { from: 'environment'; token: string }
  | { from: 'file'; path: string }
  | { from: 'command'; command: string }
  | { from: 'nowhere' };

/** How long a token command may take, in milliseconds. */
const COMMAND_TIMEOUT_MS = 60_000;

/** The caller's token. It is never printed. */
export class Token {
  readonly #source: TokenSource;
  #current: Promise<string | null> | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /** Null: there is none. @throws {UsageError} The token cannot be read. */
  current(): Promise<string | null> {
    this.#current ??= this.#read();
    return this.#current;
  }

  /**
   * Reads the token again, because it was refused. Concurrent requests share one reading.
   *
   * @returns Whether the request should be sent again.
   */
  async renew(refused: string | null): Promise<boolean> {
    const { from } = this.#source;
    if (from === 'environment' || from === 'nowhere') return false;
    const current = this.#current;
    const latest = await this.current();
    // Another request has renewed it meanwhile.
    if (latest !== refused) return true;
    if (this.#current === current) this.#current = this.#read();
    return (await this.current()) !== refused || from === 'command';
  }

  /** Advice for the user after a refusal. */
  get advice(): string {
    switch (this.#source.from) {
      case 'environment':
        return 'Set IDENTITIES_TOKEN to a valid access token.';
      case 'file':
        return 'Write a valid access token to the file that IDENTITIES_TOKEN_FILE names.';
      case 'command':
        return 'The token command was run once more, and its token was refused too.';
      case 'nowhere':
        return 'Set IDENTITIES_TOKEN, IDENTITIES_TOKEN_FILE or --token-command.';
    }
  }

  async #read(): Promise<string | null> {
    const source = this.#source;
    switch (source.from) {
      case 'nowhere':
        return null;
      case 'environment':
        return check(source.token, 'IDENTITIES_TOKEN');
      case 'file': {
        const text = await readFile(source.path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
          throw new UsageError(`The file that IDENTITIES_TOKEN_FILE names cannot be read (${code}).`);
        });
        return check(text, 'the file that IDENTITIES_TOKEN_FILE names');
      }
      case 'command':
        return check(await run(source.command), 'the output of the token command');
    }
  }
}

/** The error says nothing about the output, which may contain a token. */
async function run(command: string): Promise<string> {
  try {
    return (await promisify(exec)(command, { timeout: COMMAND_TIMEOUT_MS })).stdout;
  } catch (error) {
    const { code, killed } = error as { code?: number; killed?: boolean };
    const how = killed === true ? `took longer than ${COMMAND_TIMEOUT_MS / 1_000} s` : `ended with code ${code}`;
    throw new UsageError(`The token command ${how}.`);
  }
}

function check(text: string, where: string): string {
  const token = text.trim().replace(/^Bearer +/i, '');
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`There is no token in ${where}, or more than one line.`);
  return token;
}
