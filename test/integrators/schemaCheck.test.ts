import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../support/optional';
import { createProject, type Project } from './project';

const isInstalled = existsSync(join(__dirname, 'node_modules'));

// A tool takes a few seconds, and many times that on a busy machine.
jest.setTimeout(180_000);

describeWith(isInstalled)('the schema check in CI', () => {
  let project: Project;
  let diff = '';
  let validate = '';

  beforeAll(async () => {
    project = await createProject('Schema check in CI');
    [diff = '', validate = ''] = project.commands;
    const commit = 'git -c user.name=x -c user.email=x@x commit -qm x';
    await project.run(`git init -qb main . && git add supergraph.graphql && ${commit}`);
  });
  afterAll(() => project.remove());

  async function change(from: string, to: string): Promise<void> {
    await project.run('git checkout -q supergraph.graphql');
    const schema = project.read('supergraph.graphql');
    expect(schema).toContain(from);
    project.write('supergraph.graphql', schema.replace(from, to));
  }

  test('passes if nothing was changed', async () => {
    expect(await project.run(diff)).toMatchObject({ code: 0 });
    expect(await project.run(validate)).toMatchObject({ code: 0 });
  });

  test('fails if a field was removed that documents select', async () => {
    await change('  label: String\n', '  caption: String\n');
    const compared = await project.run(diff);
    expect(compared).toMatchObject({ code: 1 });
    expect(compared.output).toContain('Field label was removed from object type Identity');
    expect(await project.run(validate)).toMatchObject({ code: 1 });
  });

  test('passes if a value was added to an enum, and says so', async () => {
    await change('  LAST_IDENTITY\n', '  LAST_IDENTITY\n  EXPIRED\n');
    const compared = await project.run(diff);
    expect(compared).toMatchObject({ code: 0 });
    expect(compared.output).toContain('Enum value EXPIRED was added to enum UnlinkBlock');
  });

  test('fails if a document selects a field that was deprecated', async () => {
    await change('  label: String\n', '  label: String @deprecated(reason: "Use another.")\n');
    expect(await project.run(diff)).toMatchObject({ code: 0 });
    expect(await project.run(validate)).toMatchObject({ code: 1 });
  });
});
