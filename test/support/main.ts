import type { Emulator } from '../../src/emulator';
import { run, type Running } from './process';

/** How a production process reaches an emulator. */
type EmulatorAddress = Pick<Emulator, 'url' | 'accessKeyId' | 'accessKeySecret'>;

/** Where the production process listens, from its ready line. */
export interface Ready {
  url: string;
  adminUrl: string;
}

/** The production process after its ready line. */
export interface Main extends Running, Ready {}

export const READY = /^\{.*"msg":"ready".*\}$/m;

/** The environment of a production process that uses free ports, authenticates no caller, and stops without a delay. */
export function mainEnv({ url, accessKeyId, accessKeySecret }: EmulatorAddress): Record<string, string> {
  return {
    PORT: '0',
    ADMIN_PORT: '0',
    DRAIN_DELAY_MS: '0',
    AUTH_MODE: 'none',
    GENAUTH_HOST: url,
    GENAUTH_ACCESS_KEY_ID: accessKeyId,
    GENAUTH_ACCESS_KEY_SECRET: accessKeySecret,
  };
}

/**
 * Starts `dist/main.js` against an emulator, and waits until it is ready.
 *
 * @param env Added to `mainEnv`.
 * @param args Arguments of Node.
 */
export async function startMain(
  emulator: EmulatorAddress,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<Main> {
  const main = runMain(emulator, env, args);
  return { ...main, ...(await untilReady(main)) };
}

/** Starts `dist/main.js` like `startMain`, without waiting: for processes that do not get ready. */
export function runMain(
  emulator: EmulatorAddress,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Running {
  return run([...args, 'dist/main.js'], { ...mainEnv(emulator), ...env });
}

/** Waits for the ready line of a production process. */
export async function untilReady(main: Running): Promise<Ready> {
  const [line] = await main.waitFor(READY);
  return JSON.parse(line) as Ready;
}

/** Returns the argument with which Node runs a module before the process's own. */
export function preload(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}
