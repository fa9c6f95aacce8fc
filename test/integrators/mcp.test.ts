import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../support/optional';
import { ROOT } from '../support/process';
import { startStack, type Stack } from '../support/stack';
import { createProject, type Project } from './project';

const isInstalled = existsSync(join(__dirname, 'node_modules'));
const USER = '6229ffa1c05e6bfcade3e3d2';
const SOURCE = '62f20932716fbcc10d966ee6';
const UNLINK = { userId: USER, extIdpId: SOURCE };

interface Result {
  tools: { name: string; description: string; annotations: object; inputSchema: object }[];
  asked: string[];
  text: string;
  isError: boolean;
}

// A tool takes a few seconds, and many times that on a busy machine.
jest.setTimeout(180_000);

describeWith(isInstalled)('the MCP server', () => {
  let project: Project;
  let stack: Stack;

  beforeAll(async () => {
    project = await createProject('MCP server');
    stack = await startStack();
  });
  afterAll(async () => {
    await stack.close();
    project.remove();
  });

  /** @param action How a person answers. Default: the client cannot ask. */
  async function call(name: string, variables: object, action?: 'accept' | 'decline'): Promise<Result> {
    const script = [join(__dirname, 'mcpClient.mjs'), join(project.folder, 'mcp.mjs'), name, JSON.stringify(variables)];
    const env = { ...process.env, IDENTITIES_URL: `${stack.subgraph.url}/graphql`, IDENTITIES_TOKEN: 'x' };
    const args = action === undefined ? script : [...script, action];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    return JSON.parse(stdout) as Result;
  }
  const unlinks = (): number => stack.emulator.calls.filter(({ path }) => path.includes('unlink-identity')).length;

  test('offers each document as a tool, reads as read-only and mutations as destructive', async () => {
    const { tools, text, isError, asked } = await call('IdentityUsers', { ids: [USER] });
    const files = readdirSync(join(ROOT, 'operations')).filter((file) => file.endsWith('.graphql'));
    expect(tools.map(({ name }) => `${name}.graphql`)).toEqual(files);
    const destructive = tools.filter(
      ({ annotations }) => 'destructiveHint' in annotations && annotations.destructiveHint,
    );
    expect(destructive.map(({ name }) => name)).toEqual(['LinkIdentity', 'RevokeSessions', 'UnlinkIdentity']);
    for (const { name, annotations } of tools) {
      const isMutation = destructive.some((tool) => tool.name === name);
      expect(annotations).toMatchObject({ readOnlyHint: !isMutation, idempotentHint: !isMutation });
    }
    expect(tools.find(({ name }) => name === 'UnlinkIdentity')).toMatchObject({
      description: expect.stringMatching(/^DESTRUCTIVE: /),
      inputSchema: { required: ['userId', 'extIdpId'], properties: { type: { type: 'string' } } },
    });
    expect(asked).toEqual([]);
    expect([isError, JSON.parse(text)]).toMatchObject([false, { data: { identityUsers: [{ id: USER }] } }]);
  });

  test.each([
    ['the client cannot ask a person', undefined],
    ['a person declines', 'decline'],
  ] as const)('sends no mutation if %s', async (_when, action) => {
    const { isError, asked } = await call('UnlinkIdentity', UNLINK, action);
    expect(isError).toBe(true);
    expect(asked).toHaveLength(action === undefined ? 0 : 1);
    expect(unlinks()).toBe(0);
  });

  test('sends a mutation once if a person accepts it', async () => {
    const { isError, asked, text } = await call('UnlinkIdentity', UNLINK, 'accept');
    expect(asked).toEqual([`UnlinkIdentity: ${JSON.stringify(UNLINK)}`]);
    expect([isError, JSON.parse(text)]).toMatchObject([false, { data: { unlinkIdentity: { success: true } } }]);
    expect(unlinks()).toBe(1);
  });
});
