import type { Emulator } from '../../src/emulator';
import { run, type Running } from './process';

/** The production process, and where it listens. */
export interface Main extends Running {
  url: string;
  adminUrl: string;
}

export const READY = /^\{.*"msg":"ready".*\}$/m;

/** The environment in which the production process asks nobody who they are, leaves at once, and takes ports that are free. */
export function mainEnv({ url, accessKeyId, accessKeySecret }: Emulator): Record<string, string> {
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
 * @param env On top of `mainEnv`.
 * @param args Of Node.
 */
export async function startMain(
  emulator: Emulator,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<Main> {
  const main = run([...args, 'dist/main.js'], { ...mainEnv(emulator), ...env });
  const [line] = await main.waitFor(READY);
  return { ...main, ...(JSON.parse(line) as { url: string; adminUrl: string }) };
}

/** A module that runs before the process's own. */
export function preload(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}
