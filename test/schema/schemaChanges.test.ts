import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, run, TSX } from '../support/process';
import { listSchemaChanges } from './schemaChanges';

const RELEASED = readFileSync(join(ROOT, 'docs', 'schema.released.graphql'), 'utf8');

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Creates a repository whose schema was changed since the last release. */
function repository(current: string, changeset?: string): string {
  const root = mkdtempSync(join(tmpdir(), 'changes-'));
  folders.push(root);
  for (const folder of ['docs', '.changeset']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'docs', 'schema.released.graphql'), RELEASED);
  writeFileSync(join(root, 'docs', 'schema.graphql'), current);
  if (changeset !== undefined) writeFileSync(join(root, '.changeset', 'one.md'), changeset);
  return root;
}

function changed(from: string, to: string): string {
  const current = RELEASED.replace(from, to);
  expect(current).not.toBe(RELEASED);
  return current;
}

const REMOVAL = ['  applications: Int\n', '  count: Int\n'] as const;
const changesetOf = (kind: string): string => `---\n'genauth-identity-subgraph': ${kind}\n---\n\nRename a field.\n`;

describe('the changes of the schema since the last release', () => {
  test.each([
    ['Breaking', 'a field that is renamed', ...REMOVAL],
    ['Breaking', 'a field that may become null', 'success: Boolean!', 'success: Boolean'],
    ['Breaking', 'an argument that becomes required', '    type: String\n', '    type: String!\n'],
    ['Breaking', 'a type that becomes another', 'logo: String', 'logo: Int'],
    ['Dangerous', 'a value that is added to an enum', '  LAST_IDENTITY\n', '  LAST_IDENTITY\n\n  EXPIRED\n'],
    ['Dangerous', 'an argument that is added', '    type: String\n', '    type: String\n\n    note: String\n'],
    ['Dangerous', 'a tag that is removed', ' @tag(name: "pii")', ''],
    ['Safe', 'a field that is added', '  logo: String\n', '  logo: String\n\n  title: String\n'],
    ['Safe', 'a field that is deprecated', 'logo: String\n', 'logo: String @deprecated(reason: "Use title.")\n'],
    ['Safe', 'a field that is never null any more', '  operationId: ID\n', '  operationId: ID!\n'],
  ])('are listed as %s: %s', async (name, _what, from, to) => {
    const { text, isAllowed } = await listSchemaChanges(repository(changed(from, to)));
    expect(text.split('\n')[0]).toBe(`${name}:`);
    expect(text).toMatch(/^- .+/m);
    expect(isAllowed).toBe(name !== 'Breaking');
  });

  test('are listed by class, and do not include descriptions', async () => {
    const current = changed('logo: String\n', 'logo: String\n\n  title: String\n')
      .replace(/ {2}"""[^"]*"""\n {2}NOT_NAMEABLE\n/, '')
      .replace('A reason why', 'Reasons why');
    expect(await listSchemaChanges(repository(current))).toEqual({
      text: [
        'Breaking:',
        "- Enum value 'NOT_NAMEABLE' was removed from enum 'UnlinkBlock'",
        'Safe:',
        "- Field 'title' was added to object type 'IdentitySource'",
        '',
      ].join('\n'),
      isAllowed: false,
    });
  });

  test.each([
    ['major', true],
    ['minor', false],
    ['patch', false],
  ])('may be breaking with a changeset of kind %s: %s', async (kind, expected) => {
    const root = repository(changed(...REMOVAL), changesetOf(kind));
    expect(await listSchemaChanges(root)).toMatchObject({ isAllowed: expected });
  });

  test('are printed by npm run schema:changes, which ends with 0 only if they are allowed', async () => {
    const { isAllowed } = await listSchemaChanges(ROOT);
    const program = run([...TSX, 'test/schema/schemaChanges.ts']);
    expect(await program.exited).toBe(isAllowed ? 0 : 1);
    expect(program.output()).toMatch(/^(?:No changes|Breaking|Dangerous|Safe)/);
  });
});
