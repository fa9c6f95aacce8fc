import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describeWith } from '../support/optional';
import { startDev } from '../support/dev';
import { run, TSX } from '../support/process';
import type { EntitiesAnswer, UnlinkAnswer } from '../support/stack';

const shell = (command: string) => promisify(execFile)('sh', ['-c', command]);

describeWith(spawnSync('curl', ['--version']).status === 0)('npm run dev (needs curl)', () => {
  test('prints two commands that work as printed, and stops on Ctrl+C', async () => {
    const dev = await startDev();
    const [read = '', unlink = ''] = dev.output().match(/^curl .*$/gm) ?? [];

    const before = JSON.parse((await shell(read)).stdout) as { data: EntitiesAnswer };
    const identities = before.data._entities[0]?.identities ?? [];
    expect(new Set(identities.map(({ extIdpId }) => extIdpId)).size).toBeGreaterThan(1);

    const { data } = JSON.parse((await shell(unlink)).stdout) as { data: UnlinkAnswer };
    expect(data.unlinkIdentity?.success).toBe(true);
    const after = JSON.parse((await shell(read)).stdout) as { data: EntitiesAnswer };
    expect(after.data._entities[0]?.identities?.length).toBeLessThan(identities.length);
    expect(after.data._entities[0]?.identities?.length).toBe(data.unlinkIdentity?.user?.identities?.length);

    expect(await dev.stop('SIGINT')).toBe(0);
  });
});

describe('npm run dev', () => {
  test('names the port that is in use, and how to choose another', async () => {
    const first = await startDev();
    const { port } = new URL(first.url);
    const second = run([...TSX, 'src/dev.ts'], { PORT: port });
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`Port ${port} is in use. Choose another: PORT=4101 npm run dev`);
    await first.stop();
  });
});
