import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { startEmulator } from '../../src/emulator';
import { startMain } from '../support/main';
import { ROOT } from '../support/process';
import { ask, ENTITIES, representations, UNLINK } from '../support/stack';
import { readText, readYaml } from './files';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

const rules = (readYaml('prometheus/alerts.yaml') as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readText('grafana/dashboard.json')) as {
  templating: { list: { name: string; query: string }[] };
  panels: { id: number; title: string; targets: { expr: string; legendFormat: string }[] }[];
};
const queries = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** What Prometheus itself adds to what it scrapes. */
const ADDED_LABELS = ['job', 'instance'];
const ADDED_METRICS = ['up'];

/**
 * The metrics that a query names, the labels that it names, and the values that it compares them with.
 *
 * @throws {SyntaxError} It is not PromQL.
 */
function namesIn(expr: string): { metrics: string[]; labels: string[]; values: string[] } {
  const [metrics, labels, values]: [string[], string[], string[]] = [[], [], []];
  // Grafana puts a duration in its place.
  const text = expr.replaceAll('$__rate_interval', '5m');
  parser.parse(text).iterate({
    enter({ type, name, from, to, node }) {
      const word = text.slice(from, to);
      if (type.isError) throw new SyntaxError(`${text.slice(0, from)} <here> ${text.slice(from)}`);
      if (name === 'Identifier') metrics.push(word);
      if (name === 'LabelName') labels.push(word);
      const label = node.prevSibling?.prevSibling;
      if (name === 'StringLiteral' && label?.name === 'LabelName' && text.slice(label.from, label.to) !== 'job') {
        values.push(...word.slice(1, -1).split('|'));
      }
    },
  });
  return { metrics, labels, values };
}

/** Metrics by name, with the labels that their samples have. */
function labelsOf(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name = '', braces = ''] of text.matchAll(/^([a-z_]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const labels = found.get(name) ?? new Set();
    for (const match of braces.matchAll(/(\w+)="/g)) labels.add(match[1] ?? '');
    found.set(name, labels);
  }
  return found;
}

describe('the alerts and the dashboard', () => {
  let printed: Map<string, Set<string>>;

  beforeAll(async () => {
    const emulator = await startEmulator();
    const main = await startMain(emulator);
    const [user] = emulator.store.users();
    const userId = user?.profile.userId ?? '';
    await ask(`${main.url}/graphql`, ENTITIES, representations([userId]));
    await ask(`${main.url}/graphql`, UNLINK, { userId, extIdpId: user?.identities[0]?.extIdpId });
    await fetch(`${main.url}/nowhere`);
    printed = labelsOf(await (await fetch(`${main.adminUrl}/metrics`)).text());
    await main.stop();
    await emulator.close();
  });

  test.each(queries)('ask for metrics and labels that a running process prints: %s', (_name, expr) => {
    const { metrics, labels } = namesIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !printed.has(name) && !ADDED_METRICS.includes(name))).toEqual([]);
    const known = new Set([...ADDED_LABELS, ...metrics.flatMap((name) => [...(printed.get(name) ?? [])])]);
    expect(labels.filter((label) => !known.has(label))).toEqual([]);
  });

  test.each(['sum(rate(a[5m])', 'a{b=c}', 'a >', 'sum by instance (a)', 'rate(a[])'])(
    'would be refused where they are not PromQL: %s',
    (expr) => {
      expect(() => namesIn(expr)).toThrow(SyntaxError);
    },
  );

  test('compare labels with values that the code has', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('emulator'))
      .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
      .join('\n');
    const values = queries.flatMap(([, expr]) => namesIn(expr).values);
    expect(values).toEqual(expect.arrayContaining(['unknown', 'credentials', 'rate_limited', 'UNAUTHENTICATED']));
    expect(values.filter((value) => !sources.includes(`'${value}'`) && !sources.includes(`${value}:`))).toEqual([]);
  });

  test('keep to this job in every query, under the name that the scrape configuration gives it', () => {
    const scrape = readYaml('prometheus/scrape.yaml') as { scrape_configs: { job_name: string }[] };
    const job = scrape.scrape_configs[0]?.job_name ?? '';
    const jobs = queries.map(([name, expr]) => {
      const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].map((match) => /job="([^"]*)"/.exec(match[1] ?? '')?.[1]);
      return [name, [...new Set(selectors)]];
    });
    expect(jobs).toEqual([
      ...rules.map(({ alert }) => [alert, [job]]),
      ...dashboard.panels.flatMap(({ title, targets }) => targets.map(() => [title, ['$job']])),
    ]);
    expect(dashboard.templating.list).toContainEqual(expect.objectContaining({ name: 'job', query: job }));
  });

  test('say of each alert how urgent it is, what it means and what to do', () => {
    expect(rules.length).toBeGreaterThan(9);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels, annotations } of rules) {
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations.summary.length).toBeLessThan(annotations.description.length + 40);
    }
  });

  test('warn of memory below the limit of the container', () => {
    const limit = /memory: (\d+)Mi\n(?: {10}\S.*\n)* {10}securityContext/.exec(readText('kubernetes/deployment.yaml'));
    const { expr = '' } = rules.find(({ alert }) => alert === 'IdentitiesMemory') ?? {};
    expect(/> 0\.(\d) \* (\d+) \* 1024 \* 1024/.exec(expr)?.[2]).toBe(limit?.[1]);
  });

  test('draw panels that can be told apart', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.filter(({ targets }) => targets.length === 0)).toEqual([]);
  });
});
