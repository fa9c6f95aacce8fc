import { useApolloClient } from '@apollo/client/react';
import { useEffect, useState } from 'react';

/** For demonstration only: faults of the emulator, by what the page shows then. */
const FAULTS = [
  { text: 'Nothing: GenAuth works' },
  { text: 'Slow: an unlink takes 3 seconds', route: 'unlink-identity', fault: 'latency:3000' },
  { text: 'Refused: GenAuth refuses to unlink', route: 'unlink-identity', fault: 'envelope-403' },
  { text: 'Rate limit: again in 10 seconds', route: 'unlink-identity', fault: 'http-429:10' },
  { text: 'Lost response: executed, and a read shows it', route: 'unlink-identity', fault: 'reset-after-execute' },
  { text: 'Unknown outcome: executed 5 seconds later', route: 'unlink-identity', fault: 'execute-late:5000' },
  { text: 'Unknown outcome: not executed', route: 'unlink-identity', fault: 'reset-before-execute' },
  { text: 'Outage: no call succeeds', route: '*', fault: 'http-503' },
] as const satisfies readonly { text: string; route?: string; fault?: string }[];

const CONTROL = '/emulator/faults';

/** Returns the position of the fault that the emulator has now: it keeps its faults when the page is loaded again. */
async function readSelected(): Promise<number> {
  const active = (await (await fetch(CONTROL)).json()) as Record<string, { fault: string }[]>;
  const isActive = (route: string, fault: string): boolean =>
    Object.entries(active).some(([path, list]) => path.endsWith(route) && list.some((each) => each.fault === fault));
  const found = FAULTS.findIndex((each) => 'route' in each && isActive(each.route, each.fault));
  return Math.max(found, 0);
}

async function setFault(index: number): Promise<void> {
  await fetch(CONTROL, { method: 'DELETE' });
  const each = FAULTS[index];
  if (each === undefined || !('route' in each)) return;
  const headers = { 'content-type': 'application/json' };
  await fetch(CONTROL, { method: 'PUT', headers, body: JSON.stringify({ [each.route]: each.fault }) });
}

/** For demonstration only: a select box that sets faults in the emulator. An application leaves it out. */
export function Faults() {
  const client = useApolloClient();
  const [selected, setSelected] = useState(0);
  useEffect(() => {
    void readSelected().then(setSelected);
  }, []);

  async function select(index: number): Promise<void> {
    setSelected(index);
    await setFault(index);
    await client.refetchQueries({ include: 'active' });
  }

  return (
    <aside aria-label="Demonstration">
      <label htmlFor="faults">Simulate</label>
      <select id="faults" value={selected} onChange={({ target }) => void select(Number(target.value))}>
        {FAULTS.map(({ text }, index) => (
          <option key={text} value={index}>
            {text}
          </option>
        ))}
      </select>
      <p className="muted">For demonstration only: what GenAuth, here its emulator, does from now on.</p>
    </aside>
  );
}
