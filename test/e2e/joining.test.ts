// Machines of their own that join by a token: they serve pods and Services, are cut off and come back, leave and rejoin.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findKubectl } from '../../src/cluster/kubectl.ts';
import { beforeSecondTry } from '../fixtures/anew.ts';
import { type PorticoProcess, repository, startPortico } from '../fixtures/portico-process.ts';
import { Lan } from './machines.ts';
import { eventually, launcher, run } from './portico.ts';

const lan = new Lan();
const server = lan.host('control', 1);
const [one, two] = [lan.host('one', 11), lan.host('two', 12)];
const kubeconfig = join(lan.folder, 'kubeconfig');
const url = `https://${server.address}:6443`;
const pool = '10.77.0.100';
/** Other ranges than the usual ones, that machines learn from the server. */
const domain = 'example.internal';
let plane: PorticoProcess | undefined;
let kubectlProgram = 'kubectl';

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await server.run(kubectlProgram, '--kubeconfig', kubeconfig, ...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function apply(text: string): Promise<void> {
  const script = `${kubectlProgram} --kubeconfig ${kubeconfig} apply -f - <<'Y'\n${text}\nY`;
  expect((await run(server.inside(['sh', '-c', script]))).stderr).toBe('');
}

async function token(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await server.run(launcher, 'token', ...args, '--kubeconfig', kubeconfig);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout.trim();
}

/** The command for a new machine, as `token create --print-join` prints it, without the program's name. */
let joinFlags: readonly string[] = [];
/** Short, so that the test sees it renewed; a certificate that ends while a machine is cut off is got anew by the token. */
const certificateLife = '20s';
const lease = ['--node-lease-duration', '8s'];

const manifest = `
apiVersion: portico.dev/v1
kind: LoadBalancerPool
metadata: {name: lan}
spec: {addresses: ["${pool}-10.77.0.110"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app: web}}
      containers: [{name: web, image: "portico.local/echo:1"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: one
  terminationGracePeriodSeconds: 1
  containers: [{name: client, image: "portico.local/busybox:1", command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: patient}
spec:
  nodeName: two
  terminationGracePeriodSeconds: 1
  containers: [{name: patient, image: "portico.local/busybox:1", command: [sleep, infinity]}]
`;

beforeAll(async () => {
  kubectlProgram = (await findKubectl(join(repository, 'node_modules/.cache/kubectl'))) ?? kubectlProgram;
  const flags = ['--data-dir', join(lan.folder, 'server'), '--kubeconfig-out', kubeconfig];
  const ranges = [
    '--cluster-cidr',
    '10.50.0.0/16',
    '--service-cluster-ip-range',
    '10.60.0.0/16',
    '--cluster-domain',
    domain,
  ];
  const brief = ['--node-monitor-grace-period', '16s', '--cluster-signing-duration', certificateLife];
  plane = await startPortico(
    ['server', '--listen', `${server.address}:6443`, ...flags, ...ranges, ...brief],
    /ready on (\S+)/,
    {
      through: server.namespace.inside([]),
    },
  );
  await Promise.all([one.boot(), two.boot()]);
  const [, , ...command] = (await token('create', '--print-join', '--description', 'the machines')).split(' ');
  joinFlags = command;
  for (const machine of [one, two]) machine.startAgent(...joinFlags, ...lease);
  // Each test finds the pods of both machines, whether or not another ran before it.
  await spread();
});

afterAll(async () => {
  await plane?.stop();
  await lan.close();
});

const readyNodes = async () => {
  const path = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
  return (await kubectl('get', 'nodes', '-o', `jsonpath=${path}`)).trim().split(' ').sort();
};

async function untilNodes(...wanted: readonly string[]): Promise<void> {
  await eventually(
    `nodes ${wanted.join(', ')}`,
    async () => (await readyNodes()).join() === wanted.join() || undefined,
  );
}

/** Also takes pods: a taint goes a little after what it was there for. */
async function untilBothServe(): Promise<void> {
  await untilNodes('one=True', 'two=True');
  const taints = () => kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].spec.taints}');
  await eventually('nodes without taints', async () => ((await taints()) === '' ? true : undefined));
}

/** The pods of the manifest run, those of `web` on a machine each. */
async function spread(): Promise<void> {
  await untilBothServe();
  await apply(manifest);
  await kubectl('wait', '--for=condition=Ready', 'pod/client', 'pod/patient', '--timeout=300s');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=300s');
}

// A machine that was cut off, drained or stopped is one of two again.
beforeSecondTry(async () => {
  lan.setCable(two, 'up');
  await two.stopAgent();
  two.startAgent(...joinFlags, ...lease);
  await untilNodes('one=True', 'two=True');
  await kubectl('uncordon', 'two');
  await kubectl('delete', 'deployment/web', 'pod/patient', '--cascade=foreground', '--ignore-not-found');
  await spread();
});

interface Placed {
  readonly name: string;
  readonly node: string;
}

async function webPods(): Promise<Placed[]> {
  const path = '{range .items[*]}{.metadata.name} {.spec.nodeName} {.metadata.deletionTimestamp}{"\\n"}{end}';
  const lines = (await kubectl('get', 'pods', '-l', 'app=web', '-o', `jsonpath=${path}`)).split('\n');
  return lines.filter((line) => line !== '').map((line) => ({ name: line.split(' ')[0]!, node: line.split(' ')[1]! }));
}

/** Names of ready endpoints' pods. */
async function endpoints(): Promise<string[]> {
  const path = '{range .items[*].endpoints[?(@.conditions.ready==true)]}{.targetRef.name} {end}';
  const selector = 'kubernetes.io/service-name=web';
  const text = await kubectl('get', 'endpointslices', '-l', selector, '-o', `jsonpath=${path}`);
  return text.trim().split(' ').filter(Boolean).sort();
}

/** Who answers, asked until each of `expected` did; others that answer are part of the result. */
async function answering(expected: readonly string[], address: string, port = 80): Promise<string[]> {
  const seen = new Set<string>();
  await eventually(`answers of ${expected.join(', ')}`, async () => {
    const answer = await server.ask(address, port);
    if (answer) seen.add(answer.split(' ')[0] ?? '');
    return expected.every((name) => seen.has(name)) || undefined;
  });
  return [...seen].sort();
}

test('two machines join by a token alone, and serve pods and Services on both', async () => {
  const pods = await webPods();
  expect(pods.map(({ node }) => node).sort()).toEqual(['one', 'two']);
  const names = pods.map(({ name }) => name).sort();
  expect(
    await eventually('endpoints', async () => ((await endpoints()).length === 2 ? endpoints() : undefined)),
  ).toEqual(names);
  // By name from a pod, by node port of either machine, and by the load balancer's address from outside.
  await eventually('both to answer the pod', async () => {
    const ask = ['sh', '-c', 'for i in $(seq 40); do timeout 5 wget -qO- http://web; done; true'];
    const lines = (await kubectl('exec', 'client', '--', ...ask)).trim().split('\n');
    return [...new Set(lines.map((line) => line.split(' ')[0]))].sort().join() === names.join() || undefined;
  });
  const port = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  for (const { address } of [one, two]) expect(await answering(names, address, Number(port)), address).toEqual(names);
  expect(await answering(names, pool)).toEqual(names);
});

test('machines learn the ranges and the domain of their cluster, and it has what claims and kubectl top need', async () => {
  expect(await kubectl('get', 'pod', 'client', '-o', 'jsonpath={.status.podIP}')).toMatch(/^10\.50\.\d+\.\d+$/);
  const resolv = await kubectl('exec', 'client', '--', 'cat', '/etc/resolv.conf');
  expect(resolv).toMatch(/^nameserver 10\.60\.0\.10$/m);
  expect(resolv).toMatch(new RegExp(`^search default\\.svc\\.${domain} svc\\.${domain} ${domain}`, 'm'));
  await kubectl('exec', 'client', '--', 'nslookup', `web.default.svc.${domain}`);
  await kubectl('exec', 'client', '--', 'nslookup', `kubernetes.default.svc.${domain}`);
  const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: keeper}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "portico.local/busybox:1", command: [sleep, infinity], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]
`;
  await apply(claim);
  await kubectl('wait', '--for=condition=Ready', 'pod/keeper', '--timeout=300s');
  expect(await kubectl('get', 'pvc', 'data', '-o', 'jsonpath={.spec.storageClassName} {.status.phase}')).toBe(
    'local-path Bound',
  );
  await eventually(
    'kubectl top',
    async () => /^one .*\ntwo /m.test(await kubectl('top', 'nodes').catch(() => '')) || undefined,
  );
  await kubectl('delete', 'pod/keeper', 'pvc/data');
});

test('a node has a client certificate of its own, and renews it before it ends', async () => {
  const file = '/var/lib/portico/agent/pki/client.pem';
  const first = (await one.run('cat', file)).stdout;
  expect(new X509Certificate(first).subject).toBe('O=system:nodes\nCN=system:node:one');
  await eventually(
    'the certificate to be renewed',
    async () => (await one.run('cat', file)).stdout !== first || undefined,
  );
  await eventually('the agent to say so', async () => one.log.includes('the certificate was renewed') || undefined);
  await untilNodes('one=True', 'two=True');
});

test('what does not fit ends with one line', async () => {
  const good = joinFlags[joinFlags.indexOf('--token') + 1]!;
  const [hash = '', secret = ''] = good.split('::');
  const expired = await token('create', '--description', 'old');
  const id = expired.split('::')[1]!.slice(0, 6);
  const past = JSON.stringify({ stringData: { expiration: '2020-01-01T00:00:00Z' } });
  await kubectl('-n', 'kube-system', 'patch', 'secret', `bootstrap-token-${id}`, '-p', past);
  const tokens = await token('list');
  expect(tokens).toMatch(/the machines/);
  expect(tokens).not.toContain(secret);
  const attempt = (address: string, joinToken: string, index: number) =>
    two.run(
      ...[launcher, 'agent', '--server', address, '--token', joinToken, '--node-name', 'three'],
      ...['--root-dir', `/run/other-${index}`, '--run-dir', `/run/other-${index}`, '--join-timeout', '1s'],
    );
  const unknown = `${url} does not know the token, or it has expired; make another with: portico token create`;
  const cases: [string, string, string][] = [
    [
      url,
      `${hash.replace(/./g, '0')}::${secret}`,
      `${url} is not the server that the token was made for (its CA has another hash)`,
    ],
    [url, `${hash}::abcdef.0123456789abcdef`, unknown],
    [url, expired, unknown],
    [`https://${server.address}:6444`, good, `cannot join https://${server.address}:6444: nothing listens there`],
    ['https://nowhere.invalid:6443', good, 'cannot join https://nowhere.invalid:6443: there is no such name'],
  ];
  const results = await Promise.all(cases.map(([address, joinToken], i) => attempt(address, joinToken, i)));
  expect(results.map(({ stderr }) => stderr)).toEqual(cases.map(([, , message]) => `portico: ${message}\n`));
  expect(results.map(({ code }) => code)).toEqual(cases.map(() => 1));
  const nowhere = await two.run(
    ...[launcher, 'agent', '--server', url, '--token', good, '--node-name', 'three'],
    ...['--root-dir', '/proc/three', '--run-dir', '/run/three'],
  );
  expect(nowhere.stderr).toMatch(/^portico: cannot use the folder \/proc\/three\/pki of --root-dir: ENOENT: .*\n$/);
  expect(nowhere.code).toBe(1);
  const namesake = await two.run(
    ...[launcher, 'agent', '--server', url, '--token', good, '--node-name', 'one'],
    ...['--root-dir', '/run/namesake', '--run-dir', '/run/namesake'],
  );
  expect(namesake.stderr).toBe(
    `portico: there is a node one already, at ${one.address}, which is Ready: give this one another --node-name, or end that one\n`,
  );
  expect(namesake.code).toBe(1);
  await eventually('the token that has ended to go', async () => !(await token('list')).includes(id) || undefined);
  const another = (await token('create')).split('::')[1]!.slice(0, 6);
  expect(await token('delete', another)).toBe(`token ${another} deleted`);
  expect(await token('list')).not.toContain(another);
});

test('a machine that is cut off is NotReady, its pods leave Services and move, and nothing doubles when it is back', async () => {
  const before = await webPods();
  const cut = before.find(({ node }) => node === 'two')!;
  lan.setCable(two, 'down');
  await untilNodes('one=True', 'two=Unknown');
  await kubectl('wait', '--for=condition=Ready=False', 'pod/patient', '--timeout=300s');
  const left = await eventually('the pod to leave the endpoints and another to come', async () => {
    const ready = await endpoints();
    return ready.length === 2 && !ready.includes(cut.name) ? ready : undefined;
  });
  const placed = (await webPods()).filter(({ name }) => left.includes(name));
  expect(placed.map(({ node }) => node)).toEqual(['one', 'one']);
  expect(await answering(left, pool)).toEqual(left);
  lan.setCable(two, 'up');
  await untilBothServe();
  // One that waits for its node was called not ready meanwhile, and has never stopped.
  await kubectl('wait', '--for=condition=Ready', 'pod/patient', '--timeout=300s');
  const restarts = 'jsonpath={.status.containerStatuses[0].restartCount}';
  expect(await kubectl('get', 'pod', 'patient', '-o', restarts)).toBe('0');
  await eventually('the pod of before to be gone', async () => ((await webPods()).length === 2 ? true : undefined));
  expect((await webPods()).map(({ name }) => name).sort()).toEqual(left);
  expect(await endpoints()).toEqual(left);
  expect(await answering(left, pool)).toEqual(left);
});

test('a node is drained and deleted, and rejoins', async () => {
  await kubectl('scale', 'deployment/web', '--replicas=4');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=300s');
  expect((await webPods()).some(({ node }) => node === 'two')).toBe(true);
  await kubectl('drain', 'two', '--ignore-daemonsets', '--force', '--timeout=300s');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=300s');
  expect(new Set((await webPods()).map(({ node }) => node))).toEqual(new Set(['one']));
  await two.stopAgent();
  await kubectl('delete', 'node', 'two');
  await untilNodes('one=True');
  two.startAgent(...joinFlags, ...lease);
  await untilBothServe();
  await kubectl('rollout', 'restart', 'deployment/web');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=300s');
  const pods = await eventually('four pods', async () => {
    const found = await webPods();
    return found.length === 4 ? found : undefined;
  });
  expect(new Set(pods.map(({ node }) => node))).toEqual(new Set(['one', 'two']));
  const names = pods.map(({ name }) => name).sort();
  await eventually('their endpoints', async () => ((await endpoints()).join() === names.join() ? true : undefined));
  expect(await answering(names, pool)).toEqual(expect.arrayContaining(names));
});

test('a machine that leaves for good keeps no process and no file', async () => {
  await two.stopAgent();
  const left = await two.run(launcher, 'down', '--name', 'agent', '--purge');
  expect(left.stderr).toBe('');
  expect(left.stdout).toMatch(/^Removed \d+ processes/);
  expect((await two.run('ps', '-eo', 'comm=')).stdout).not.toMatch(/containerd|echo-server|httpd/);
  expect((await two.run('ls', '/var/lib/portico', '/run/portico')).stdout).not.toContain('agent');
  expect((await two.run('cat', '/proc/mounts')).stdout).not.toContain('portico/agent');
});
