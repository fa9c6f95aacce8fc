import { run, type Running, TSX } from './process';

/** The process of `npm run dev`. */
export interface Dev extends Running {
  /** The GraphQL endpoint. */
  url: string;
  /** The page of the IDE. */
  ideUrl: string;
}

/** Starts `npm run dev` on a free port, and waits until it has printed everything. */
export async function startDev(): Promise<Dev> {
  const dev = run([...TSX, 'src/dev.ts'], { PORT: '0' });
  await dev.waitFor(/Ctrl\+C/);
  const [, url = ''] = await dev.waitFor(/Subgraph +(\S+)/);
  const [, ideUrl = ''] = await dev.waitFor(/IDE +(\S+)/);
  return { ...dev, url, ideUrl };
}
