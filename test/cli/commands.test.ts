import { run, startSupergraph, type Supergraph } from './cli';

const ZHANG = '6229ffa1c05e6bfcade3e3d1';

describe('identities', () => {
  let supergraph: Supergraph;
  beforeAll(async () => {
    supergraph = await startSupergraph();
  });
  afterAll(() => supergraph.close());

  test('tries', async () => {
    for (const args of [
      ['list', ZHANG, 'f'.repeat(24)],
      ['list', '--json', ZHANG],
      ['find', '--source', 'GitHub', '1024001', 'nobody'],
      ['unlink', ZHANG, 'GitHub', '--yes'],
      ['unlink', ZHANG, 'Nope', '--yes'],
      ['--help'],
    ]) {
      const ended = await run(supergraph, args);
      process.stdout.write(`${args.join(' ')} -> ${ended.code}\n${ended.stdout}${ended.stderr}\n`);
    }
    const file = await supergraph.write('users', [ZHANG, 'bad id', ZHANG, '6229ffa1c05e6bfcade3e3d2']);
    for (const args of [['--dry-run'], [], []]) {
      const ended = await run(supergraph, ['unlink', '--source', 'GitHub', '--from', file, '--yes', ...args]);
      process.stdout.write(`${args.join(' ')} -> ${ended.code}\n${ended.stdout}${ended.stderr}\n`);
    }
    expect(1).toBe(1);
  });
});
