import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UsageError } from './errors';

/** How often the holder of a lock confirms it, and when others assume that a holder on another machine is gone. */
const CONFIRM_MS = 5_000;
const ABANDONED_MS = 60_000;

/** Keeps other runs away from a journal, as long as this process lives. */
export class Lock {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param journal The path of the journal.
   * @throws {UsageError} Another run has it.
   */
  constructor(journal: string) {
    this.#path = `${journal}.lock`;
    const own = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
    while (!create(this.#path, own)) removeAbandoned(this.#path, journal);
    this.#timer = setInterval(() => touch(this.#path), CONFIRM_MS).unref();
    process.on('exit', this.release);
  }

  readonly release = (): void => {
    process.off('exit', this.release);
    clearInterval(this.#timer);
    rmSync(this.#path, { force: true });
  };
}

function create(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new UsageError(`The journal cannot be written: ${path} (${code}).`, { cause: error });
  }
}

/** Removes the lock of a process that was killed. @throws {UsageError} The process lives. */
function removeAbandoned(path: string, journal: string): void {
  const text = read(path);
  if (text === null) return;
  if (!isAbandoned(path, text)) {
    throw new UsageError(`Another run is using ${journal}. If there is none, delete ${path}.`);
  }
  // Another run may do the same at this moment. The one that gets the file under its new name removes it.
  const removed = `${path}.${randomUUID()}`;
  try {
    renameSync(path, removed);
    if (read(removed) !== text) linkSync(removed, path);
    rmSync(removed);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  }
}

function isAbandoned(path: string, text: string): boolean {
  try {
    const { pid, host } = JSON.parse(text) as { pid: number; host: string };
    if (host !== hostname()) return Date.now() - statSync(path).mtimeMs > ABANDONED_MS;
    // In a new container, the process of the lock may have had the id of this one.
    return pid === process.pid || !isAlive(pid);
  } catch {
    // It is being written, or its writer was killed meanwhile.
    return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > CONFIRM_MS;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // The lock was deleted by hand.
  }
}
