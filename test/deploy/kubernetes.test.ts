import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { ROOT, run } from '../support/process';
import { filesOf, readYaml, unknownVariables } from './files';

type Labels = Record<string, string>;

interface Named {
  kind: string;
  metadata: { name: string; labels: Labels };
}

interface Probe {
  httpGet: { path: string; port: string };
}

interface Container {
  name: string;
  image: string;
  env: { name: string; value: string }[];
  ports: { name: string; containerPort: number }[];
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle?: object;
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: object;
  volumeMounts: { name: string; mountPath: string; readOnly: boolean }[];
}

interface Deployment extends Named {
  spec: {
    replicas?: number;
    selector: { matchLabels: Labels };
    strategy: { rollingUpdate: { maxUnavailable: number; maxSurge: number } };
    template: {
      metadata: { labels: Labels };
      spec: {
        serviceAccountName: string;
        automountServiceAccountToken: boolean;
        terminationGracePeriodSeconds: number;
        securityContext: object;
        topologySpreadConstraints: { labelSelector: { matchLabels: Labels } }[];
        containers: [Container];
        volumes: { name: string; secret: { secretName: string; items: { key: string; path: string }[] } }[];
      };
    };
  };
}

interface Peer {
  podSelector: { matchLabels: Labels };
  namespaceSelector?: { matchLabels: Labels };
}

const of = (name: string): unknown => readYaml(`kubernetes/${name}.yaml`);

const deployment = of('deployment') as Deployment;
const { template, selector } = deployment.spec;
const [container] = template.spec.containers;
const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
const labels = template.metadata.labels;
const portNames = container.ports.map(({ name }) => name);

interface Manifest {
  apiVersion: string;
  kind: string;
}

/** Returns the compiler's messages about fields that are unknown, missing or of a wrong type. Empty: none. */
async function problemsOf({ apiVersion, kind, ...rest }: Manifest): Promise<string> {
  // The package's folders are `apps/v1`, `networking/v1` and `core/v1`.
  const group = apiVersion === 'v1' ? 'core/v1' : apiVersion.replace('.k8s.io', '');
  const folder = await mkdtemp(join(tmpdir(), 'manifest-'));
  const file = join(folder, 'manifest.ts');
  const types = join(ROOT, 'node_modules/kubernetes-types', group);
  const manifest = JSON.stringify({ apiVersion, kind, ...rest });
  await writeFile(file, `import type { ${kind} } from '${types}';\nexport const manifest: ${kind} = ${manifest};\n`);
  const options = ['--noEmit', '--strict', '--module', 'preserve', '--ignoreConfig', '--pretty', 'false'];
  const compiler = run(['node_modules/typescript/bin/tsc', ...options, file]);
  await compiler.exited;
  await rm(folder, { recursive: true });
  return compiler.output();
}

describe('the Kubernetes manifests', () => {
  const manifests = filesOf('.yaml', 'kubernetes').filter((path) => !path.endsWith('kustomization.yaml'));

  test.each(manifests)('have all fields that Kubernetes requires, and no unknown ones: %s', async (path) => {
    expect(await problemsOf(readYaml(path) as Manifest)).toBe('');
  });

  test.each([
    [
      'with a name misspelt',
      '"terminationGracePeriodSeconds"',
      '"terminationGracePeriodSecond"',
      /Second.*does not exist in type .PodSpec/,
    ],
    ['without a required field', '"containers"', '"initContainers"', /'containers' is missing/],
    [
      'with text for a number',
      '"containerPort":4001',
      '"containerPort":"4001"',
      /'string' is not assignable to type 'number'/,
    ],
    ['of a group without that kind', '"apps/v1"', '"batch/v1"', /no exported member 'Deployment'/],
  ])('would be refused %s', async (_what, right, wrong, problem) => {
    const text = JSON.stringify(deployment);
    expect(text).toContain(right);
    expect(await problemsOf(JSON.parse(text.replace(right, wrong)) as Manifest)).toMatch(problem);
  });

  test('are exactly those in the kustomization', () => {
    const { resources, images } = of('kustomization') as { resources: string[]; images: { name: string }[] };
    const files = filesOf('.yaml', 'kubernetes').map((path) => path.slice('kubernetes/'.length));
    expect([...resources, 'kustomization.yaml'].sort()).toEqual(files.sort());
    expect(images.map(({ name }) => name)).toEqual([container.image]);
  });

  test('select exactly the pods of the deployment', () => {
    const service = of('service') as { spec: { selector: Labels } };
    const budget = of('poddisruptionbudget') as { spec: { selector: { matchLabels: Labels } } };
    const policy = of('networkpolicy') as { spec: { podSelector: { matchLabels: Labels } } };
    const selectors = [
      selector.matchLabels,
      service.spec.selector,
      budget.spec.selector.matchLabels,
      policy.spec.podSelector.matchLabels,
      ...template.spec.topologySpreadConstraints.map((constraint) => constraint.labelSelector.matchLabels),
    ];
    expect(selectors).toEqual(selectors.map(() => labels));
    expect(Object.keys(labels).length).toBeGreaterThan(0);
  });

  test('give the pods an existing service account, without a token', () => {
    const account = of('serviceaccount') as Named & { automountServiceAccountToken: boolean };
    expect(template.spec.serviceAccountName).toBe(account.metadata.name);
    expect([account.automountServiceAccountToken, template.spec.automountServiceAccountToken]).toEqual([false, false]);
  });

  test('scale the existing deployment, and only the autoscaler sets the number of replicas', () => {
    const { spec } = of('horizontalpodautoscaler') as {
      spec: { scaleTargetRef: Record<string, string>; minReplicas: number };
    };
    expect(spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.metadata.name });
    expect(deployment.spec.replicas).toBeUndefined();
    // One replica may be missing while a node is drained.
    expect(spec.minReplicas).toBeGreaterThan(1);
  });

  test('keep all replicas together below GenAuth’s rate limit, also during an update', () => {
    const { spec } = of('horizontalpodautoscaler') as { spec: { maxReplicas: number } };
    const { maxSurge, maxUnavailable } = deployment.spec.strategy.rollingUpdate;
    expect((spec.maxReplicas + maxSurge) * Number(environment['GENAUTH_MAX_QPS'])).toBeLessThanOrEqual(300);
    expect(maxUnavailable).toBe(0);
  });

  test('set known variables only, to values with which the process starts', () => {
    expect(unknownVariables(Object.keys(environment))).toEqual([]);
    const config = readConfig({ ...environment, HOST: '0.0.0.0', ADMIN_HOST: '0.0.0.0' }, () => 's'.repeat(32));
    expect(container.ports).toEqual([
      { name: 'graphql', containerPort: config.port },
      { name: 'admin', containerPort: config.admin.port },
    ]);
    expect(config.callers.mode).toBe('strict');
  });

  test('give the process more time to stop than it needs', () => {
    const { drainDelayMs, drainTimeoutMs, requestDeadlineMs } = readConfig(environment, () => 's'.repeat(32));
    expect(template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainDelayMs + drainTimeoutMs);
    expect(drainTimeoutMs).toBeGreaterThan(requestDeadlineMs);
    expect(drainDelayMs).toBeGreaterThan(0);
    expect(container.lifecycle).toBeUndefined();
  });

  test('pass secrets as files of the Secret', () => {
    const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE'));
    expect(files.map(([name]) => name).sort()).toEqual([
      'GENAUTH_ACCESS_KEY_ID_FILE',
      'GENAUTH_ACCESS_KEY_SECRET_FILE',
      'ROUTER_SECRETS_FILE',
    ]);
    const [mount] = container.volumeMounts;
    const [volume] = template.spec.volumes;
    expect(mount).toMatchObject({ name: volume?.name, readOnly: true });
    const paths = volume?.secret.items.map(({ path }) => `${mount?.mountPath}/${path}`) ?? [];
    expect(files.map(([, path]) => path).sort()).toEqual(paths.sort());
  });

  test('probe the admin port', () => {
    expect(container.startupProbe.httpGet).toEqual({ path: '/livez', port: 'admin' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'admin' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' });
  });

  test('run the container without unnecessary rights', () => {
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(Object.keys(container.resources.requests).sort()).toEqual(['cpu', 'memory']);
    expect(container.resources.limits).toHaveProperty('memory');
  });

  test('publish the GraphQL port and not the admin port', () => {
    const { metadata, spec } = of('service') as Named & { spec: { ports: { port: number; targetPort: string }[] } };
    expect(spec.ports).toEqual([{ name: 'graphql', port: 4001, targetPort: 'graphql' }]);
    // The routers' configuration uses this name.
    expect(metadata.name).toBe('identities');
  });

  test('allow the router on one port, Prometheus on the other, and outgoing DNS, OTLP and HTTPS only', () => {
    const { spec } = of('networkpolicy') as {
      spec: {
        policyTypes: string[];
        ingress: { from: Peer[]; ports: { port: string }[] }[];
        egress: { to?: Peer[]; ports: { port: number }[] }[];
      };
    };
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(spec.ingress.map(({ ports }) => ports)).toEqual(portNames.map((port) => [{ port }]));
    expect(spec.ingress.every(({ from }) => from.every((peer) => Object.keys(peer.podSelector.matchLabels)[0]))).toBe(
      true,
    );
    expect(spec.egress.flatMap(({ ports }) => ports)).toEqual([
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
      { port: 4318 },
      { port: 443 },
    ]);
  });
});
