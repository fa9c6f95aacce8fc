import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse, print } from 'graphql';
import { parseDocument } from 'yaml';
import { readConfig } from '../../src/config';
import { readCommandLine } from '../../src/emulator/commandLine';
import { startEmulator } from '../../src/emulator';
import { mainEnv, READY } from '../support/main';
import { ROOT, run } from '../support/process';
import { ask, startStack, userIdsOf } from '../support/stack';
import { composeSupergraph } from './composeSupergraph';
import { DEPLOY, filesOf, readText, readYaml, unknownVariables } from './files';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };

describe('the files for deployment', () => {
  test.each(filesOf('.yaml'))(
    'are YAML with the same meaning in versions 1.1 and 1.2, because Kubernetes reads 1.1: %s',
    (path) => {
      const [old, current] = (['1.1', '1.2'] as const).map((version) => parseDocument(readText(path), { version }));
      expect([...(old?.errors ?? []), ...(old?.warnings ?? [])]).toEqual([]);
      expect(old?.toJS()).toEqual(current?.toJS());
      expect(readYaml(path)).toEqual(expect.any(Object));
    },
  );

  test('are all linked in their README, and its links lead to files', () => {
    const readme = readText('README.md');
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(DEPLOY, link)))).toEqual([]);
    const shown = [
      'Dockerfile',
      ...filesOf('', 'routers'),
      ...filesOf('.yaml', 'prometheus'),
      ...filesOf('.yaml', '.'),
    ];
    expect(shown).toEqual(expect.arrayContaining(['compose.yaml', 'supergraph.yaml', 'cosmo-graph.yaml']));
    expect(shown.filter((path) => !path.startsWith('kubernetes/') && !links.includes(path))).toEqual([]);
  });

  test('name the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(readYaml('kubernetes/kustomization.yaml')).toMatchObject({ images: [{ newTag: version }] });
    expect(readText('README.md')).toContain(`-t genauth-identity-subgraph:${version} `);
  });

  test('use the Secret under the name and the keys with which the README creates it', () => {
    const [, name, options = ''] = /kubectl create secret generic (\S+)([\s\S]*?)```/.exec(readText('README.md')) ?? [];
    const { spec } = readYaml('kubernetes/deployment.yaml') as {
      spec: { template: { spec: { volumes: { secret: object }[] } } };
    };
    const keys = [...options.matchAll(/--from-file=(\S+?)=/g)].map((match) => match[1] ?? '');
    expect(spec.template.spec.volumes.map(({ secret }) => secret)).toEqual([
      expect.objectContaining({ secretName: name, items: keys.map((key) => ({ key, path: key })) }),
    ]);
  });
});

interface Stage {
  name: string;
  from: string;
  instructions: { name: string; text: string }[];
}

/** Reads the stages of the Dockerfile, without comments and with continued lines joined. */
function readStages(): Stage[] {
  const lines = readText('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, name = '', text = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    const [, from = '', as = ''] = /^(\S+) AS (\S+)$/.exec(text) ?? [];
    if (name === 'FROM') stages.push({ name: as, from, instructions: [] });
    else if (name !== '') stages.at(-1)?.instructions.push({ name, text });
  }
  return stages;
}

describe('the Dockerfile', () => {
  const stages = readStages();
  const stage = (name: string) => stages.find((each) => each.name === name);
  /** Returns all instructions of a stage, after those of the stages that it is built from. */
  const historyOf = (name: string): Stage['instructions'] => {
    const found = stage(name);
    return found === undefined ? [] : [...historyOf(found.from), ...found.instructions];
  };
  const texts = (name: string, instruction: string): string[] =>
    historyOf(name).flatMap((each) => (each.name === instruction ? [each.text] : []));

  const given = readText('Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

  test('ends with the subgraph, which is built by default', () => {
    expect(stages.at(-1)?.name).toBe('subgraph');
  });

  test('names one image, by its digest, in the only form that Dependabot updates: a FROM without ARG', () => {
    const names = ['scratch', ...stages.map(({ name }) => name)];
    const images = stages.filter(({ from }) => !names.includes(from)).map(({ from }) => from);
    expect(images).toEqual([expect.stringMatching(/^node:24-bookworm-slim@sha256:[\da-f]{64}$/)]);
    expect(readText('Dockerfile')).not.toMatch(/^ARG /m);
  });

  test('puts the bill of materials into the images, and offers it as a file', () => {
    expect(stage('sbom')).toEqual({
      name: 'sbom',
      from: 'scratch',
      instructions: [{ name: 'COPY', text: '--from=build /app/sbom.cdx.json /' }],
    });
    expect(texts('build', 'RUN')).toContain('npm run --silent sbom > sbom.cdx.json');
    expect(texts('runtime', 'COPY')).toContain('--from=build /app/sbom.cdx.json ./');
  });

  test.each(['subgraph', 'emulator'])('runs %s as Node without a shell, as a numeric user that is not root', (name) => {
    expect(texts(name, 'USER').at(-1)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const command = JSON.parse(texts(name, 'CMD').at(-1) ?? '') as string[];
    expect(command.join(' ')).toBe(name === 'subgraph' ? scripts.start : 'node dist/emulator/main.js');
    expect(texts(name, 'ENTRYPOINT')).toEqual([]);
    // Commands run in build stages only, and their results are copied.
    expect(texts(name, 'RUN')).toEqual([]);
  });

  test('omits the emulator, the sources and the development dependencies', () => {
    expect(texts('subgraph', 'COPY')).toEqual([
      '--from=dependencies /app/node_modules node_modules',
      '--from=build /app/sbom.cdx.json ./',
      'package.json ./',
      'schema schema',
      '--from=production-build /app/dist dist',
    ]);
    expect(stage('production-build')?.instructions).toEqual([
      { name: 'RUN', text: 'rm -rf dist/emulator dist/dev.js' },
    ]);
    const installs = [...texts('build', 'RUN'), ...texts('dependencies', 'RUN')].filter((text) =>
      text.includes('npm ci'),
    );
    expect(installs).toEqual(['npm ci --ignore-scripts', 'npm ci --ignore-scripts --omit=dev']);
  });

  test('sets known variables only, and listens on all interfaces', () => {
    const set = Object.fromEntries(texts('subgraph', 'ENV').map((text) => text.split('=') as [string, string]));
    expect(unknownVariables(Object.keys(set))).toEqual(['NODE_ENV']);
    expect(set).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0', ADMIN_HOST: '0.0.0.0' });
    expect(texts('subgraph', 'EXPOSE')).toEqual([`${set['PORT']} ${set['ADMIN_PORT']}`]);
  });

  test('copies exactly the files that .dockerignore lets through', () => {
    const copied = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect([...new Set(copied)].sort()).toEqual(given.sort());
    expect(given.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  test('builds from the files that it copies, and nothing else', async () => {
    const app = await mkdtemp(join(tmpdir(), 'build-'));
    for (const name of given) {
      await cp(join(ROOT, name), join(app, name), {
        recursive: true,
        filter: (path) => !path.includes('__generated__'),
      });
    }
    await symlink(join(ROOT, 'node_modules'), join(app, 'node_modules'));
    await promisify(execFile)('npm', ['run', 'build'], { cwd: app });
    expect(existsSync(join(app, 'dist', 'main.js'))).toBe(true);
    await rm(app, { recursive: true });
  }, 60_000);

  test('assembles files that start and serve', async () => {
    const app = await mkdtemp(join(tmpdir(), 'image-'));
    await cp(join(ROOT, 'dist'), join(app, 'dist'), { recursive: true });
    for (const left of ['emulator', 'dev.js']) await rm(join(app, 'dist', left), { recursive: true });
    for (const name of ['schema', 'package.json']) await symlink(join(ROOT, name), join(app, name));
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    // Nested packages are inside these folders.
    const installed = Object.keys(packages).filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path));
    for (const path of installed.filter((name) => packages[name]?.dev !== true)) {
      await mkdir(dirname(join(app, path)), { recursive: true });
      await symlink(join(ROOT, path), join(app, path));
    }
    const emulator = await startEmulator();
    const main = run(['--preserve-symlinks', '--preserve-symlinks-main', join(app, 'dist/main.js')], mainEnv(emulator));
    const [line] = await main.waitFor(READY);
    const { url } = JSON.parse(line) as { url: string };
    expect(await ask(`${url}/graphql`, '{ __typename }')).toMatchObject({ data: { __typename: 'Query' } });
    expect(await main.stop()).toBe(0);
    await emulator.close();
    await rm(app, { recursive: true });
  });

  test('has a health check that succeeds at /livez, and fails for any other response or none', async () => {
    const command = /CMD (\[.*\])$/.exec(texts('subgraph', 'HEALTHCHECK').at(-1) ?? '')?.[1] ?? '';
    const [node, ...args] = JSON.parse(command) as string[];
    expect(node).toBe('node');
    const check = (url: string) => run(args, { ADMIN_PORT: new URL(url).port }).exited;
    const stack = await startStack();
    expect(await check(stack.subgraph.adminUrl)).toBe(0);
    expect(await check(stack.subgraph.url)).toBe(1);
    await stack.close();
    expect(await check(stack.subgraph.adminUrl)).toBe(1);
  });
});

interface Service {
  build?: { target: string };
  environment?: Record<string, string>;
  ports?: string[];
  network_mode?: string;
  stop_grace_period?: string;
}

describe('compose.yaml', () => {
  const { services } = readYaml('compose.yaml') as {
    services: Record<'router' | 'identities' | 'emulator' | 'users', Service>;
  };
  const { router, identities, emulator, users } = services;
  const withDefaults = (environment: Record<string, string> = {}): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{\w+:-(.*)\}/, '$1')]),
    );

  test('sets known variables only, to values with which subgraph and emulator start', () => {
    expect(unknownVariables(Object.keys({ ...identities.environment, ...emulator.environment }))).toEqual([]);
    const config = readConfig({ ...withDefaults(identities.environment), HOST: '0.0.0.0' }, () => '');
    const options = readCommandLine([], withDefaults(emulator.environment));
    expect(options).toMatchObject({ accessKey: config.management.accessKey });
    expect(config.management.origin).toBe(`http://127.0.0.1:${options === 'help' ? '' : options.port}`);
    expect(emulator.network_mode).toBe('service:identities');
    expect(config.callers.routerSecrets).toEqual([withDefaults(router.environment)['ROUTER_AUTHORIZATION']]);
  });

  test('has only fields that Compose knows', async () => {
    const lint = async (path: string) => {
      const linter = run(['node_modules/dclint/bin/dclint.cjs', '--quiet', path]);
      return { code: await linter.exited, output: linter.output().trim() };
    };
    expect(await lint(join(DEPLOY, 'compose.yaml'))).toEqual({ code: 0, output: '' });
    const folder = await mkdtemp(join(tmpdir(), 'compose-'));
    const misspelt = join(folder, 'compose.yaml');
    await writeFile(misspelt, readText('compose.yaml').replace('stop_grace_period', 'stop_grace_periods'));
    const { code, output } = await lint(misspelt);
    expect([code, output]).toEqual([1, expect.stringContaining('must NOT have additional properties')]);
    await rm(folder, { recursive: true });
  });

  test('builds existing stages, and publishes ports on loopback only', () => {
    expect([identities, emulator, users].map(({ build }) => build?.target)).toEqual([
      'subgraph',
      'emulator',
      'emulator',
    ]);
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports).toEqual(['127.0.0.1:4000:4000', '127.0.0.1:4002:4002']);
  });

  test('uses the supergraph to which its subgraphs compose', () => {
    expect(print(parse(readText('supergraph.graphql')))).toBe(print(parse(composeSupergraph())));
  });

  test('has a subgraph of users, and the emulator knows each of them', async () => {
    const emulated = await startEmulator();
    const known = userIdsOf(emulated);
    await emulated.close();
    const subgraph = run(['deploy/users.js', '0']);
    const [, url = ''] = await subgraph.waitFor(/users at (\S+)/);
    const { data } = await ask<{ users: { id: string }[]; user: { name: string } | null }>(
      url,
      'query ($id: ID!) { users { id } user(id: $id) { name } }',
      { id: known[1] },
    );
    expect(await subgraph.stop()).toBe(0);
    expect(data?.users.filter(({ id }) => !known.includes(id))).toEqual([]);
    expect(data?.user).toEqual({ name: 'Ada Lovelace' });
  });
});
