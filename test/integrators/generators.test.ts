import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';
import { createProject, type Project } from './project';

const isInstalled = existsSync(join(__dirname, 'node_modules'));
const TSC =
  'node_modules/.bin/tsc --strict --noEmit --skipLibCheck --target es2023 --lib es2023 --module esnext --moduleResolution bundler';

/** Types that are as narrow as they should be: with \`any\` or \`unknown\` in place of one, a line would be an error. */
const typeTests = (identity: string): string => `
type Identity = ${identity};
declare const identity: Identity;
export const label: string | null | undefined = identity.label;
export const profile: Record<string, unknown> | null | undefined = identity.userInfoInIdp;
// @ts-expect-error -- a label is not a number
export const number: number | null | undefined = identity.label;
// @ts-expect-error -- the members of a profile are unknown
export const name: string = identity.userInfoInIdp?.['name'];
`;

// A tool takes a few seconds, and many times that on a busy machine.
jest.setTimeout(180_000);

describeWith(isInstalled)('the generated code of', () => {
  let project: Project;
  afterEach(() => project.remove());

  async function generate(heading: string, files: Record<string, string>): Promise<void> {
    project = await createProject(heading);
    for (const [path, text] of Object.entries(files)) project.write(path, text);
    for (const command of project.commands) expect(await project.run(command)).toMatchObject({ code: 0 });
  }
  const PROFILES = `query Profiles { identityUsers { identities { label unlinkBlockedBy userInfoInIdp } } }`;

  test('graphql-codegen has precise types, and makes a switch over an enum have a default', async () => {
    await generate('graphql-codegen', {
      'app/profiles.ts': `import { graphql } from './gql';\nexport const Profiles = graphql(\`${PROFILES}\`);`,
    });
    const identity =
      "NonNullable<NonNullable<import('./gql/graphql').ProfilesQuery['identityUsers'][number]>['identities']>[number]";
    project.write('app/types.ts', typeTests(identity));
    expect(await project.run(`${TSC} app/*.ts`)).toEqual({ code: 0, output: '' });
    expect(project.read('app/gql/graphql.ts')).toContain('UnlinkIdentityDocument');

    const withoutDefault = project
      .read('app/blocked.ts')
      .replace('default:', "case 'FORBIDDEN':\n    case 'NOT_NAMEABLE':");
    project.write('app/blocked.ts', withoutDefault);
    expect((await project.run(`${TSC} app/blocked.ts`)).output).toMatch(/app\/blocked\.ts.* error TS2366/);
  });

  test('Relay has precise types, and an enum with a value for those to come', async () => {
    await generate('Relay', {});
    const data = "import('./__generated__/AccountsQuery.graphql').AccountsQuery$data";
    const identity = `NonNullable<NonNullable<${data}['identityUsers'][number]>['identities']>[number]`;
    project.write('app/types.ts', typeTests(identity));
    expect(await project.run(`${TSC} app/*.ts`)).toEqual({ code: 0, output: '' });
    const blocks = /UnlinkBlock = (.*);/.exec(project.read('app/__generated__/AccountsQuery.graphql.ts'))?.[1];
    expect(blocks).toBe('"FORBIDDEN" | "LAST_IDENTITY" | "NOT_NAMEABLE" | "%future added value"');
  });

  test('Relay keeps identities of two users with the same id apart, with the environment of the page only', async () => {
    await generate('Relay', {});
    const identitiesOf = (label: string) => [
      { id: 'same', extIdpId: 'x', label, unlinkBlockedBy: null, userInfoInIdp: null },
    ];
    const response = {
      data: {
        identityUsers: ['ada', 'grace'].map((label) => ({ id: `user of ${label}`, identities: identitiesOf(label) })),
      },
    };
    project.write(
      'app/read.ts',
      `import { fetchQuery } from 'relay-runtime';
       import query from './__generated__/AccountsQuery.graphql';
       import { createEnvironment } from './environment';
       const environment = createEnvironment(() => Promise.resolve(${JSON.stringify(response)}));
       fetchQuery(environment, query as never, {}).toPromise().then((data: any) => {
         process.stdout.write(data.identityUsers.map((user: any) => user.identities[0].label).join());
       });`,
    );
    const tsx = join(ROOT, 'node_modules', '.bin', 'tsx');
    const read = async () => (await project.run(`${tsx} app/read.ts`)).output;
    expect(await read()).toBe('ada,grace');
    project.write('app/environment.ts', project.read('app/environment.ts').replace(/^ +getDataID.*\n/m, ''));
    expect(await read()).toMatch(/^grace,grace/);
  });

  test('gql.tada has precise types, and an enum without a value for those to come', async () => {
    await generate('gql.tada', {
      'app/profiles.ts': `import { graphql } from './graphql.js';\nexport const Profiles = graphql(\`${PROFILES}\`);`,
    });
    const data = "import('gql.tada').ResultOf<typeof import('./profiles.js').Profiles>";
    const identity = `NonNullable<NonNullable<${data}['identityUsers'][number]>['identities']>[number]`;
    const otherBlock = `\n// @ts-expect-error\nexport const block: Identity['unlinkBlockedBy'] = '%future added value';\n`;
    project.write('app/types.ts', typeTests(identity) + otherBlock);
    expect(await project.run('node_modules/.bin/tsc -p .')).toEqual({ code: 0, output: '' });
  });
});
