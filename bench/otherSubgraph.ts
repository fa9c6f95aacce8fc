import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listedUserIds, nameOfUser } from './exchanges';
import { serveParent } from './parent';

// The subgraph that owns users, behind the gateway that is measured. It knows two queries: a user by id, and all users.

const USERS = JSON.stringify({ data: { users: listedUserIds().map(toUser) } });

function toUser(id: string): object {
  return { __typename: 'User', id, name: nameOfUser(id) };
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { variables = {} } = JSON.parse(Buffer.concat(chunks).toString()) as { variables?: { id?: string } };
    const { id } = variables;
    const body = id === undefined ? USERS : JSON.stringify({ data: { user: toUser(id) } });
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  serveParent(() => Promise.resolve(`http://127.0.0.1:${port}/graphql`));
});
