// An MCP client for mcp.test.ts: starts a server, lists its tools, calls one, and prints what happened as JSON.
// Arguments: the server's file, the tool, its arguments as JSON, and how a person answers a question (none: it cannot ask).
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const [file, name, json, action] = process.argv.slice(2);
const { PATH, IDENTITIES_URL, IDENTITIES_TOKEN } = process.env;

const client = new Client(
  { name: 'test', version: '1.0.0' },
  { capabilities: action === undefined ? {} : { elicitation: {} } },
);
const asked = [];
if (action !== undefined) {
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params.message);
    return { action, ...(action === 'accept' && { content: {} }) };
  });
}
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [file],
    env: { PATH, IDENTITIES_URL, IDENTITIES_TOKEN },
  }),
);
const { tools } = await client.listTools();
const result = await client
  .callTool({ name, arguments: JSON.parse(json) })
  .catch((error) => ({ content: [{ text: error.message }], isError: true }));
process.stdout.write(JSON.stringify({ tools, asked, text: result.content[0].text, isError: result.isError ?? false }));
await client.close();
