import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe of the operating system that is read only when a test says so. */
export interface Fifo {
  /** A file descriptor for writing that blocks while the pipe is full, as a shell gives it to a process. */
  writer: number;
  /** Fills the pipe, so that the next write blocks. Returns what it has written. */
  fill(): string;
  /** Reads what is in the pipe now. */
  read(): string;
  /** Closes the reading end. The next write gets `EPIPE`. */
  closeReader(): void;
  close(): void;
}

export function createFifo(): Fifo {
  const folder = mkdtempSync(join(tmpdir(), 'fifo-'));
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  const open = new Set([reader, filler, writer]);
  const close = (fd: number): void => {
    if (open.delete(fd)) closeSync(fd);
  };
  return {
    writer,
    fill() {
      let filled = '';
      // Single bytes at the end, because a pipe takes up to 4 KiB as a whole or not at all.
      for (const size of [65_536, 4_096, 1]) {
        const text = '#'.repeat(size);
        for (;;) {
          try {
            filled += text.slice(0, writeSync(filler, text));
          } catch {
            break;
          }
        }
      }
      return filled;
    },
    read() {
      const chunks: Buffer[] = [];
      for (;;) {
        const buffer = Buffer.alloc(65_536);
        try {
          const length = readSync(reader, buffer);
          if (length === 0) break;
          chunks.push(buffer.subarray(0, length));
        } catch {
          break;
        }
      }
      return Buffer.concat(chunks).toString();
    },
    closeReader: () => close(reader),
    close() {
      for (const fd of open) close(fd);
      rmSync(folder, { recursive: true });
    },
  };
}
