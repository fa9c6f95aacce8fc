import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';

const SRC = join(__dirname, '..', 'src');

/** What each room may import from other rooms. docs/architecture.md draws it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  client: ['__generated__', 'errorCodes'],
  cli: ['client', 'version'],
  deadline: [],
  errorCodes: [],
  json: [],
  genauth: ['deadline', 'json'],
  secureUrl: [],
  callers: ['json', 'secureUrl'],
  stdout: [],
  audit: ['callers'],
  identities: ['audit', 'callers', 'deadline', 'genauth'],
  graphql: ['callers', 'deadline', 'identities', 'genauth', 'json', '__generated__'],
  http: ['callers', 'graphql', 'json', 'secureUrl'],
  emulator: ['genauth/api', 'genauth/signature', 'json'],
  environment: ['callers', 'secureUrl'],
  config: ['callers', 'environment', 'genauth', 'identities', 'secureUrl'],
  log: [],
  metrics: [],
  sharing: ['genauth'],
  tracing: ['config'],
  version: [],
  examples: ['http/ide'],
  subgraph: [
    'audit',
    'stdout',
    'callers',
    'config',
    'genauth',
    'graphql',
    'http',
    'identities',
    'log',
    'metrics',
    'sharing',
    'tracing',
  ],
  auditOpen: ['audit', 'callers', 'config', 'genauth', 'identities'],
  printSchema: ['config', 'graphql'],
  main: ['config', 'examples', 'log', 'metrics', 'stdout', 'subgraph', 'tracing', 'version'],
  dev: ['config', 'emulator', 'examples', 'http/ide', 'log', 'metrics', 'subgraph', 'version'],
};

/** What each room may import in addition, with `import type` only: the types of what it is given. */
const MAY_IMPORT_TYPES: Readonly<Record<string, readonly string[]>> = {
  audit: ['stdout'],
  graphql: ['errorCodes'],
  http: ['errorCodes'],
  log: ['graphql'],
  metrics: ['audit', 'genauth', 'graphql'],
  tracing: ['deadline', 'genauth', 'graphql', 'identities'],
};

interface Import {
  from: string;
  to: string;
  /** Whether it is an `import type` or `export type`, which does not exist at run time. */
  typesOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.startsWith('__generated__'),
);

const imports: Import[] = files.flatMap((name) => {
  const from = name.replaceAll('\\', '/').replace(/\.ts$/, '');
  const text = readFileSync(join(SRC, name), 'utf8');
  const types = [...text.matchAll(/^(?:import|export) type [^;]*? from '(\.[^']*)'/gm)].map((match) => match[1] ?? '');
  const all = [...text.matchAll(/(?:from|import|import\(|require\()\s*'(\.[^']*)'/g)].map((match) => match[1] ?? '');
  return all.map((specifier) => {
    const to = posix.join(posix.dirname(from), specifier);
    return { from, to, typesOnly: types.includes(specifier) };
  });
});

function roomOf(module: string): string {
  return module.split('/')[0] ?? module;
}

describe('the imports of src/', () => {
  test('belong to modules that this test knows', () => {
    expect([...new Set(files.map((name) => roomOf(name.replace(/\.ts$/, ''))))].sort()).toEqual(
      Object.keys(MAY_IMPORT).sort(),
    );
    expect(imports.length).toBeGreaterThan(files.length);
  });

  test('follow the direction of docs/architecture.md', () => {
    const against = imports.filter(({ from, to, typesOnly }) => {
      const types = typesOnly ? (MAY_IMPORT_TYPES[roomOf(from)] ?? []) : [];
      const allowed = [...(MAY_IMPORT[roomOf(from)] ?? []), ...types];
      return roomOf(from) !== roomOf(to) && !allowed.some((room) => to === room || to.startsWith(`${room}/`));
    });
    expect(against).toEqual([]);
  });

  test('use only the index of audit, callers, client, genauth, graphql, identities, json and sharing', () => {
    const past = imports.filter(({ from, to }) => {
      const room = roomOf(to);
      return (
        room !== roomOf(from) &&
        roomOf(from) !== 'emulator' &&
        ['audit', 'callers', 'client', 'genauth', 'graphql', 'identities', 'json', 'sharing'].includes(room) &&
        to !== room
      );
    });
    expect(past).toEqual([]);
  });

  test('do not lead from dist/main.js to the emulator', () => {
    const reached = new Set(['main']);
    for (const module of reached) {
      for (const { from, to } of imports) if (from === module || posix.join(module, 'index') === from) reached.add(to);
    }
    expect(reached.has('subgraph')).toBe(true);
    expect([...reached].filter((module) => roomOf(module) === 'emulator')).toEqual([]);
  });

  test('read process.env in the entry points only', () => {
    const readers = files.filter((name) => readFileSync(join(SRC, name), 'utf8').includes('process.env'));
    expect(readers.map((name) => relative('.', name)).sort()).toEqual([
      'auditOpen.ts',
      'cli.ts',
      'dev.ts',
      'emulator/main.ts',
      'main.ts',
      'printSchema.ts',
    ]);
  });
});
