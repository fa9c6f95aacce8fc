import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { readConfig } from '../../src/config';
import { COMPOSERS } from '../support/composers';
import { ROOT } from '../support/process';
import { SUBGRAPHS } from './composeSupergraph';
import { filesOf, readText, readYaml } from './files';

/** The variables without which the subgraph does not start. */
const REQUIRED = { AUTH_MODE: 'none', GENAUTH_ACCESS_KEY_ID: 'x', GENAUTH_ACCESS_KEY_SECRET: 'x' };

interface Graph {
  name: string;
  routing_url: string;
  schema: { file: string };
}

/** The settings of a file, in lower case and without comments. */
function settingsOf(path: string): string {
  return readText(path)
    .toLowerCase()
    .replace(/^ *(#|\/\/).*$/gm, '');
}

describe('the configuration of the routers', () => {
  const [apollo, cosmo, hive] = filesOf('.yaml', 'routers')
    .sort()
    .map((path) => readText(path));

  test('lets through exactly the extensions that errors have', () => {
    const source = readFileSync(join(ROOT, 'src/graphql/errors.ts'), 'utf8');
    const declaration = /interface ErrorExtensions \{([\s\S]*?)\n\}/.exec(source)?.[1] ?? '';
    const keys = [...declaration.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
    expect(keys.length).toBeGreaterThan(3);
    for (const text of [apollo, cosmo, hive]) {
      const lists = [...(text ?? '').matchAll(/(?:allow_extensions_keys|allowed_extension_fields|keys): \[(.*)\]/g)];
      expect(lists.map((match) => match[1]?.split(', ')).filter((list) => list?.length !== 1)).toEqual([keys]);
    }
  });

  test.each(filesOf('', 'routers'))(
    'sends the router credential, forwards the caller’s headers and waits 15 s: %s',
    (path) => {
      const settings = settingsOf(path);
      for (const header of ['authorization', 'traceparent', 'x-request-id', 'x-audit-reason', 'router-authorization']) {
        expect(settings).toMatch(new RegExp(`(?<![\\w-])${header}(?![\\w-])`));
      }
      expect(settings).toMatch(/env[.(]"?router_authorization|\$\{router_authorization\}|router_authorization = ''/);
      expect(settings).toMatch(/timeout(:|\(| =) ?"?15(s|_000)/);
    },
  );

  test('says in each file that reads a schema without addresses where the subgraph is, and in no file anything else', () => {
    const addresses = filesOf('')
      .filter((path) => !path.startsWith('grafana'))
      .flatMap((path) =>
        [...readText(path).matchAll(/https?:\/\/(?:identities|users):\d+[^\s"'`)]*/g)].map(([url]) => url),
      );
    expect(new Set(addresses)).toEqual(new Set(['http://identities:4001/graphql', 'http://users:4003/graphql']));
  });

  test('has one name for the secret of the router', () => {
    const names = filesOf('').flatMap((path) => [
      ...readText(path).matchAll(/\b[A-Z_]*ROUTER_(?!IMAGE|CONFIG|SUPERGRAPH)[A-Z_]+/g),
    ]);
    expect(new Set(names.map(([name]) => name))).toEqual(
      new Set(['ROUTER_AUTHORIZATION', 'ROUTER_SECRETS', 'ROUTER_SECRETS_FILE']),
    );
  });

  test.each([
    ['supergraph.yaml', 'http://localhost'],
    ['cosmo-graph.yaml', 'http://'],
  ])('composes the same subgraphs as compose.yaml: %s', (path, scheme) => {
    const { subgraphs } = readYaml(path) as { subgraphs: Graph[] | Record<string, Graph> };
    const listed = Array.isArray(subgraphs)
      ? subgraphs
      : Object.entries(subgraphs).map(([name, graph]) => ({ ...graph, name }));
    const files = listed.map(({ name, schema }) => [name, normalize(join('deploy', schema.file))]);
    expect(files).toEqual(SUBGRAPHS.map(({ name, sdl }) => [name, sdl]));
    const ports = (url: string) => new URL(url).port + new URL(url).pathname;
    expect(listed.map(({ routing_url: url }) => ports(url))).toEqual(SUBGRAPHS.map(({ url }) => ports(url)));
    expect(listed.filter(({ routing_url: url }) => !url.startsWith(scheme))).toEqual([]);
  });

  test('turns retries off where a router has them by default, and on nowhere', () => {
    const retries = filesOf('', 'routers').flatMap((path) =>
      [...settingsOf(path).matchAll(/\bretry\b\W+enabled\W+(\w+)|\bretry\b/g)].map(([, enabled]) => [path, enabled]),
    );
    expect(retries).toEqual([
      ['routers/cosmo-router.yaml', 'false'],
      ['routers/grafbase.toml', 'false'],
    ]);
  });

  test('composes with the composer of Cosmo, which its router’s file needs', () => {
    const graphs = SUBGRAPHS.map(({ sdl, ...graph }) => ({ ...graph, sdl: readFileSync(join(ROOT, sdl), 'utf8') }));
    expect(COMPOSERS['@wundergraph/composition']?.(graphs).errors).toEqual([]);
    expect(readYaml('routers/cosmo-router.yaml')).toMatchObject({
      execution_config: { file: { path: 'execution-config.json' } },
    });
    expect(readYaml('routers/cosmo-router.yaml')).not.toHaveProperty('graph');
  });

  test('lets the routers of Cosmo and Hive close idle connections before the subgraph does', () => {
    const { keepAliveMs } = readConfig(REQUIRED, () => '');
    const idle = (['cosmo', 'hive'] as const).map(
      (name) => /idle_timeout: (\d+)s/.exec(readText(`routers/${name}-router.yaml`))?.[1],
    );
    expect(idle.map(Number).filter((seconds) => !(seconds * 1000 < keepAliveMs))).toEqual([]);
  });
});
