import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Emulator } from '../../src/emulator';
import type { Issuer } from './issuer';

export interface SubgraphOptions {
  emulator: Pick<Emulator, 'url' | 'accessKeyId' | 'accessKeySecret'>;
  issuer: Pick<Issuer, 'url' | 'jwksUri' | 'audience'>;
  routerSecret: string;
  /** Applications whose sign-in methods count. */
  appIds: readonly string[];
  auditLog: string;
}

/** The process of this subgraph. */
export interface Subgraph {
  process: ChildProcess;
  /** Resolves to the GraphQL endpoint once the process serves requests. It never resolves if the process ends before. */
  url: Promise<string>;
}

const ROOT = join(__dirname, '..', '..');
/** Ends the process if its parent was killed, and could not end it. */
const END_WITH_PARENT = "data:text/javascript,process.on('disconnect',()=>process.kill(process.pid,'SIGTERM'))";

/** Starts the production process of this subgraph with `AUTH_MODE=strict`. Its log goes to stderr. */
export function startSubgraph({ emulator, issuer, routerSecret, appIds, auditLog }: SubgraphOptions): Subgraph {
  const { PATH, TMPDIR } = process.env;
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, '--import', 'tsx', 'src/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    // Nothing else is inherited: variables for a real user pool must not reach this process.
    env: {
      ...(PATH === undefined ? {} : { PATH }),
      ...(TMPDIR === undefined ? {} : { TMPDIR }),
      PORT: '0',
      ADMIN_PORT: '0',
      GENAUTH_HOST: emulator.url,
      GENAUTH_ACCESS_KEY_ID: emulator.accessKeyId,
      GENAUTH_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      GENAUTH_APP_IDS: appIds.join(','),
      AUTH_MODE: 'strict',
      ROUTER_SECRETS: routerSecret,
      JWT_ISSUER: issuer.url,
      JWT_JWKS_URI: issuer.jwksUri,
      JWT_AUDIENCE: issuer.audience,
      AUDIT_LOG: auditLog,
      // No load balancer has to notice the end.
      DRAIN_DELAY_MS: '0',
      DRAIN_TIMEOUT_MS: '1000',
    },
  });
  const url = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      process.stderr.write(`${line}\n`);
      const origin = /"msg":"ready"/.test(line) ? /"url":"([^"]+)"/.exec(line)?.[1] : undefined;
      if (origin !== undefined) resolve(`${origin}/graphql`);
    });
  });
  return { process: child, url };
}
