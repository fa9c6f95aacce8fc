import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSigningKey, signJwt } from './issuer';
import { run, type Running, TSX } from './process';
import { type Answer, ask } from './stack';

/** The process of `npm run example`, and what it has printed. */
export interface Example extends Running {
  /** Everything that it has printed on stdout. */
  stdout: () => string;
  pageUrl: string;
  graphqlUrl: string;
  emulatorUrl: string;
  auditFile: string;
  /** Everybody with a link to sign in, except for the operator. */
  people: readonly Person[];
  operator: Person;
  /** The commands to paste. */
  curls: readonly string[];
  /** Sends a request to the gateway. @param token Default: none. */
  ask<Data = Record<string, unknown>>(query: string, token?: string, variables?: object): Promise<Answer<Data>>;
  /** Sets faults of the emulator. A fault for a user meets only calls about this user. Default: clears all. */
  setFaults(faults?: object): Promise<void>;
  /** Signs a token that differs from a printed one in these claims. */
  sign(person: Person, claims: Record<string, unknown>): string;
  /** The link that signs in the person whose line contains this text. */
  linkOf(text: string): string;
  /** The same link with a token that expired a minute ago. */
  expiredLink(text: string): string;
}

export interface Person {
  /** The link, with the token. */
  link: string;
  token: string;
  /** The text after the link. */
  text: string;
}

const key = createSigningKey('example', 'EC');

/** Starts `npm run example` without waiting. The process inherits no environment variable except `PATH`. */
export function runExample(env: Record<string, string> = {}, args: readonly string[] = []): Running {
  const EXAMPLE_SIGNING_KEY = JSON.stringify(key.privateKey.export({ format: 'jwk' }));
  return run([...TSX, 'examples/supergraph/main.ts', ...args], { PORT: '0', EXAMPLE_SIGNING_KEY, ...env });
}

/** Starts `npm run example` on a free port, and waits until it has printed everything. */
export async function startExample(env: Record<string, string> = {}): Promise<Example> {
  const running = runExample(env);
  let stdout = '';
  running.child.stdout.on('data', (text: string) => (stdout += text));
  await running.waitFor(/^curl .*mutation.*\n/m);
  const output = running.output();
  const item = (name: string): string => new RegExp(`^${name} +(\\S+)$`, 'm').exec(output)?.[1] ?? '';
  const everybody = [...output.matchAll(/^Sign in +(\S+#token=(\S+)) +(.+)$/gm)].map(
    ([, link = '', token = '', text = '']) => ({ link, token, text }),
  );
  const withText = (text: string): Person => {
    const person = everybody.find((each) => each.text.includes(text));
    if (person === undefined) throw new Error(`there is no link for ${text}:\n${output}`);
    return person;
  };
  const operator = withText('Operator');
  const [graphqlUrl, emulatorUrl] = [item('GraphQL'), item('Emulator')];
  return {
    ...running,
    async stop(signal) {
      const code = await running.stop(signal);
      await rm(dirname(item('Audit')), { recursive: true });
      return code;
    },
    stdout: () => stdout,
    pageUrl: item('Page'),
    graphqlUrl,
    emulatorUrl,
    auditFile: item('Audit'),
    people: everybody.filter((person) => person !== operator),
    operator,
    curls: output.match(/^curl .*$/gm) ?? [],
    ask: (query, token, variables = {}) =>
      ask(graphqlUrl, query, { ...variables }, token === undefined ? {} : { authorization: `Bearer ${token}` }),
    async setFaults(faults) {
      const body = faults === undefined ? null : JSON.stringify(faults);
      const response = await fetch(`${emulatorUrl}/emulator/faults`, {
        method: body === null ? 'DELETE' : 'PUT',
        body,
      });
      if (!response.ok) throw new Error(await response.text());
    },
    sign,
    linkOf: (text) => withText(text).link,
    expiredLink(text) {
      const person = withText(text);
      const token = sign(person, { exp: Math.floor(Date.now() / 1000) - 60 });
      return person.link.replace(person.token, token);
    },
  };
}

function sign({ token }: Person, claims: Record<string, unknown>): string {
  const [header, payload] = token.split('.', 2).map((part) => JSON.parse(atob(part)) as object);
  return signJwt(header as { alg: 'ES256' }, { ...payload, ...claims }, key.privateKey);
}
