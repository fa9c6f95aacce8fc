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

/** Labels and metrics that Prometheus itself adds. */
const ADDED_LABELS = ['job', 'instance'];
const ADDED_METRICS = ['up'];

/**
 * Reads the metrics and labels of a query, and the values with which it compares labels.
 *
 * @throws {SyntaxError} The query is not PromQL.
 */
function namesIn(expr: string): { metrics: string[]; labels: string[]; values: string[] } {
  const [metrics, labels, values]: [string[], string[], string[]] = [[], [], []];
  // Grafana replaces this variable with a duration.
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

/** Reads the metrics that a process prints, with the labels of their samples. */
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

  test.each(queries)('use metrics and labels that a running process prints: %s', (_name, expr) => {
    const { metrics, labels } = namesIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((name) => !printed.has(name) && !ADDED_METRICS.includes(name))).toEqual([]);
    const known = new Set([...ADDED_LABELS, ...metrics.flatMap((name) => [...(printed.get(name) ?? [])])]);
    expect(labels.filter((label) => !known.has(label))).toEqual([]);
  });

  test.each(['sum(rate(a[5m])', 'a{b=c}', 'a >', 'sum by instance (a)', 'rate(a[])'])(
    'would be rejected if they were not PromQL: %s',
    (expr) => {
      expect(() => namesIn(expr)).toThrow(SyntaxError);
    },
  );

  test('compare labels with values that occur in the code', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('emulator'))
      .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
      .join('\n');
    const values = queries.flatMap(([, expr]) => namesIn(expr).values);
    expect(values).toEqual(expect.arrayContaining(['unknown', 'credentials', 'rate_limited', 'UNAUTHENTICATED']));
    expect(values.filter((value) => !sources.includes(`'${value}'`) && !sources.includes(`${value}:`))).toEqual([]);
  });

  test('select the job of the scrape configuration in every query', () => {
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

  test('give every alert a severity, a summary and a description', () => {
    expect(rules.length).toBeGreaterThan(9);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels, annotations } of rules) {
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations.summary.length).toBeLessThan(annotations.description.length + 40);
    }
  });

  test('warn about memory below the limit of the container', () => {
    const limit = /memory: (\d+)Mi\n(?: {10}\S.*\n)* {10}securityContext/.exec(readText('kubernetes/deployment.yaml'));
    const { expr = '' } = rules.find(({ alert }) => alert === 'IdentitiesMemory') ?? {};
    expect(/> 0\.(\d) \* (\d+) \* 1024 \* 1024/.exec(expr)?.[2]).toBe(limit?.[1]);
  });

  test('have panels with distinct ids, each with a query', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.filter(({ targets }) => targets.length === 0)).toEqual([]);
  });
});
