import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSeed, startEmulator } from '../../src/emulator';
import { readCommandLine } from '../../src/emulator/commandLine';
import { FAULTS } from '../../src/emulator/faults';
import { OPERATIONS } from '../../src/emulator/operations';
import { parseJson } from '../../src/emulator/rawJson';
import { describeValues, SWITCH_NAMES, SWITCHES } from '../../src/emulator/switches';
import { ROOT } from '../support/process';

const PAGE = readFileSync(join(ROOT, 'docs/emulator.md'), 'utf8');

/** Returns the cells of a table, row by row, without its heading. */
function tableUnder(heading: string, firstColumn: string): string[][] {
  const section = PAGE.slice(PAGE.indexOf(`\n${heading}\n`));
  const lines = section.slice(section.indexOf(`\n| ${firstColumn} `) + 1).split('\n');
  const table = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  );
  return table.slice(2).map((line) =>
    line
      .replaceAll('\\|', '¦')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('¦', '|')),
  );
}

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1] ?? '';
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

describe('docs/emulator.md', () => {
  test('has a row for every fault', () => {
    expect(tableUnder('## Faults', 'fault')).toEqual(
      Object.values(FAULTS).map(([written, executed, effect]) => [`\`${written}\``, executed, capitalized(effect)]),
    );
  });

  test('has a row for every switch', () => {
    expect(tableUnder('## Switches', 'switch')).toEqual(
      SWITCH_NAMES.map((name) => [
        `\`${name}\``,
        `\`${SWITCHES[name].initial}\``,
        describeValues(name),
        SWITCHES[name].effect,
      ]),
    );
  });

  test('names every route', () => {
    const section = PAGE.slice(PAGE.indexOf('## Routes'), PAGE.indexOf('## Control'));
    const named = [...section.matchAll(/`(GET|POST) ([\w-]+)`/g)].map(
      ([, method, name]) => `${method} /api/v3/${name}`,
    );
    expect(named.sort()).toEqual(Object.keys(OPERATIONS).sort());
  });

  test('shows a seed that is valid, and every member of one', () => {
    const seed = readSeed(parseJson(block('json')));
    expect(seed.users).toHaveLength(2);
    const members = [...PAGE.slice(PAGE.indexOf('## Seed')).matchAll(/^\| (`.*?`) +\|/gm)].flatMap(([, cell = '']) =>
      cell.split(', ').map((name) => name.replaceAll('`', '')),
    );
    const refusal = (value: object) => {
      try {
        readSeed(value);
      } catch (error) {
        return / it has ([\w, ]+)/.exec((error as Error).message)?.[1]?.split(', ') ?? [];
      }
      return [];
    };
    const wrong = { unknown: 1 };
    expect(members).toEqual([
      ...refusal({ extIdps: [{ name: 'n', type: 't', ...wrong }], users: [] }),
      ...refusal({ extIdps: [], applications: [{ name: 'n', ...wrong }], users: [] }),
      ...refusal({ extIdps: [], users: [wrong] }),
      ...refusal({ extIdps: [], users: [{ identities: [{ extIdpId: 'e', userIdInIdp: 'u', ...wrong }] }] }),
    ]);
  });

  test('shows a command that starts the emulator, and bodies that the control surface accepts', async () => {
    const commands = [...PAGE.matchAll(/^npm run emulator -- (.+)$/gm)].map(([, args = '']) => args.split(' '));
    expect(commands.map((args) => readCommandLine(args, {}))).toMatchObject([{ port: 4010 }]);
    const emulator = await startEmulator();
    const requests = [...PAGE.matchAll(/^curl -X (\w+) http:\/\/127\.0\.0\.1:4010(\S+) -d '(.*)'$/gm)];
    expect(requests).toHaveLength(3);
    for (const [, method = '', path, body = ''] of requests) {
      expect((await fetch(`${emulator.url}${path}`, { method, body })).status).toBe(200);
    }
    await emulator.close();
  });

  test('shows code that runs with the built package', () => {
    const code = block('ts').replace(/^import \{(.*)\} from '(.*)';$/m, "const {$1} = await import('$2');");
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, encoding: 'utf8' });
    expect(output).toMatch(/^http:\/\/127\.0\.0\.1:\d+ [0-9a-f]{24} [0-9a-f]{24} 0\n$/);
  });
});

describe('the package', () => {
  test('exports the emulator with its types', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      exports: Record<string, Record<string, string>>;
    };
    const entry = exports['./emulator'] ?? {};
    expect(readFileSync(join(ROOT, entry['types'] ?? ''), 'utf8')).toContain('export declare function startEmulator');
    expect(readFileSync(join(ROOT, entry['default'] ?? ''), 'utf8')).toContain('startEmulator');
  });
});
