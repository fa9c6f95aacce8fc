import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ROOT } from '../support/process';

const HELP = `Runs the tests of test/federation behind Hive Gateway, with deploy/routers/hive-gateway.config.mjs.

Usage: npx tsx test/federation/hiveGateway.ts [FOLDER]

  FOLDER  default: a temporary folder, removed afterwards. Where the gateway is installed: 750 packages, 0.5 GB

Run it by hand, after "npm run build". It is not part of the test suite, because of the size of the gateway. The suite
tests the engine of this gateway. Exit code: that of the tests.
`;

const PACKAGES = ['@graphql-hive/gateway@2.15.1', 'graphql@16.15.0'];

function main(argument: string | undefined): number {
  const folder = resolve(argument ?? mkdtempSync(join(tmpdir(), 'hive-gateway-')));
  try {
    if (!existsSync(join(folder, 'node_modules/@graphql-hive/gateway'))) {
      const options = ['--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
      const { status } = spawnSync('npm', ['install', ...options, ...PACKAGES], { stdio: 'inherit' });
      if (status !== 0) return 1;
    }
    const env = { ...process.env, HIVE_GATEWAY: folder };
    const args = ['jest', 'test/federation', '--testNamePattern', 'Hive Gateway \\(needs'];
    return spawnSync('npx', args, { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
  } finally {
    if (argument === undefined) rmSync(folder, { recursive: true });
  }
}

const [argument] = process.argv.slice(2);
if (argument === '--help') process.stdout.write(HELP);
else process.exitCode = main(argument);
