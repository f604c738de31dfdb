// `portico trace` and `portico plan` on a whole cluster: what they say is what then happens.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LiveTrace } from '../../src/explain/live/compare.ts';
import type { NetworkPlan } from '../../src/explain/plan/plan.ts';
import type { Trace } from '../../src/explain/trace/trace.ts';
import { repository } from '../fixtures/portico-process.ts';
import { essence, rewrite, transcriptsOf } from '../fixtures/transcripts.ts';
import { eventually, run, testCluster } from './portico.ts';

const cluster = testCluster('e2e-explain');

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.portico('kubectl', ...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const deployment = (name: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: 'portico.local/echo:1'}]
---`;

const service = (selector: string) => `
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: ${selector}}, ports: [{name: http, port: 80}]}
`;

function file(name: string, text: string): string {
  const path = join(cluster.dataDir, name);
  writeFileSync(path, text);
  return path;
}

const rules = async (node: string) => (await cluster.portico('rules', '--node', node)).stdout.split('\n');

const endpoints = async () =>
  (
    await kubectl(
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=front',
      '-o',
      'jsonpath={.items[*].endpoints[*].addresses[0]}',
    )
  )
    .split(' ')
    .sort();

const clusterIP = () => kubectl('get', 'service', 'front', '-o', 'jsonpath={.spec.clusterIP}');

const ready = (app: string) =>
  eventually(`two ready pods of ${app}`, async () => {
    const said = await kubectl('get', 'deployment', app, '-o', 'jsonpath={.status.readyReplicas}');
    return said === '2' ? true : undefined;
  });

beforeAll(async () => {
  const { code, stderr } = await cluster.portico('up', '--nodes', '2', '--egress', 'off');
  if (code !== 0) throw new Error(stderr);
  await kubectl('apply', '-f', file('apps.yaml', deployment('old') + deployment('new') + service('old')));
  await Promise.all([ready('old'), ready('new')]);
  await eventually('two endpoints', async () => ((await endpoints()).length === 2 ? true : undefined));
}, 180_000);

afterAll(() => cluster.remove());

test('a trace from a pod names the Service, its candidates and the nodes; a wrong port, what is wrong', async () => {
  const pod = (await kubectl('get', 'pods', '-l', 'app=new', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const { code, stdout } = await cluster.portico('trace', `pod/${pod}`, 'front:80', '-o', 'json');
  expect(code).toBe(0);
  const trace = JSON.parse(stdout) as Trace;
  expect(trace.service?.service).toBe('default/front');
  expect(trace.outcomes.map(({ result, probability }) => [result, probability])).toEqual([
    ['arrives', 0.5],
    ['arrives', 0.5],
  ]);
  expect(trace.outcomes.map(({ destination }) => destination.replace(':80', '')).sort()).toEqual(await endpoints());
  const wrong = await cluster.portico('trace', `pod/${pod}`, 'front:81');
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain(
    'Why      Service default/front, spec.ports: the Service has no port 81; it has 80/TCP',
  );
});

test('a plan of another selector says the slices, shares and rules that then come about', async () => {
  const edited = file('edited.yaml', service('new'));
  const before = await Promise.all(['node-1', 'node-2'].map(rules));
  const { code, stdout } = await cluster.portico('plan', '-f', edited, '-o', 'json');
  expect(code).toBe(1);
  const plan = JSON.parse(stdout) as NetworkPlan;
  expect(plan.objects).toMatchObject([
    {
      change: 'changed',
      object: 'Service default/front',
      fields: [{ path: 'spec.selector.app', before: 'old', after: 'new' }],
    },
  ]);
  await kubectl('apply', '-f', edited);
  const expected = plan.shares
    .flatMap(({ endpoint, after }) => (after > 0 ? [endpoint.replace(':80', '')] : []))
    .sort();
  await eventually('the planned endpoints', async () => {
    return JSON.stringify(await endpoints()) === JSON.stringify(expected) ? true : undefined;
  });
  const after = await Promise.all(['node-1', 'node-2'].map(rules));
  for (const [i, lines] of after.entries()) {
    const planned = plan.rules.find(({ node }) => node === `node-${i + 1}`);
    expect(lines.filter((line) => !before[i]!.includes(line))).toEqual(planned?.added);
    expect(before[i]!.filter((line) => !lines.includes(line))).toEqual(planned?.removed);
  }
  expect((await cluster.portico('plan', '-f', edited)).code).toBe(0);

  // Somebody talks to the Service: those are told of who lose the endpoint that they talk to.
  const pod = (await kubectl('get', 'pods', '-l', 'app=old', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  expect((await cluster.portico('trace', `pod/${pod}`, 'front:80', '--live')).code).toBe(0);
  const away = await cluster.portico('plan', '--without', 'service/front', '-o', 'json');
  const { connections } = JSON.parse(away.stdout) as NetworkPlan;
  expect(connections.map(({ destination }) => destination)).toContain(`${await clusterIP()}:80`);
  expect(expected.map((address) => `${address}:80`)).toContain(connections[0]?.endpoint);
});

test('a node tells the rules that its proxy last wrote, with the objects they are of', async () => {
  const version = await kubectl('get', 'service', 'front', '-o', 'jsonpath={.metadata.resourceVersion}');
  const addresses = await endpoints();
  const said = await eventually('the rules of the Service as it is', async () => {
    const { stdout } = await cluster.portico('rules', '--node', 'node-2', '--live', 'default/front');
    const isCurrent = stdout.includes(`# Service default/front, resourceVersion ${version}\n`);
    return isCurrent && addresses.every((address) => stdout.includes(address)) ? stdout : undefined;
  });
  expect(said).not.toContain('kube-system/');
  const wrong = await cluster.portico('rules', '--node', 'nobody', '--live');
  expect([wrong.code, wrong.stderr]).toEqual([1, 'portico: rules: node nobody: nodes "nobody" not found\n']);
});

test('what the rules and a trace were at an earlier revision is still known', async () => {
  const [first = ''] = await endpoints();
  const edited = await kubectl('get', 'service', 'front', '-o', 'jsonpath={.metadata.resourceVersion}');
  const earlier = String(Number(edited) - 1);
  const differs = await cluster.portico('rules', '--node', 'node-1', '--diff', earlier);
  expect([differs.code, differs.stderr]).toEqual([1, '']);
  expect(differs.stdout).toContain(`- 10.96.`);
  expect(differs.stdout).toContain(`: ${first} . 80`);
  const then = await cluster.portico('rules', '--node', 'node-1', '--at', earlier);
  expect(then.stdout).not.toContain(first);
  expect(then.stdout).toContain('10.244.');
  const trace = await cluster.portico('trace', 'node/node-1', `${await clusterIP()}:80`, '--at', earlier, '-o', 'json');
  expect((JSON.parse(trace.stdout) as Trace).outcomes.map(({ destination }) => destination)).not.toContain(
    `${first}:80`,
  );
  const before = await cluster.portico('rules', '--node', 'node-1', '--at', '1');
  expect(before.code).toBe(2);
  expect(before.stderr).toContain('1 is before what is kept: history begins at revision');
});

test('a real packet takes the way that the model says; a rule planted in the kernel is found and named', async () => {
  const pod = (await kubectl('get', 'pods', '-l', 'app=old', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const node = (await kubectl('get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}')).trim();
  const live = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.portico('trace', ...args, '--live', '-o', 'json');
    if (stdout === '') throw new Error(stderr);
    return { code, ...(JSON.parse(stdout) as { live: LiveTrace }).live };
  };
  for (const [from, to] of [
    [`pod/${pod}`, 'front:80'],
    [`node/${node}`, `${await clusterIP()}:80`],
    [`pod/${pod}`, 'kube-dns.kube-system:53/udp'],
  ] as const) {
    const { code, differences, result } = await live(from, to);
    expect([code, differences, result]).toEqual([0, [], 'arrives']);
  }
  const refused = await live(`pod/${pod}`, 'front:81');
  expect([refused.code, refused.differences, refused.result]).toEqual([1, [], 'refused']);

  const plant = `table ip planted { chain c { type nat hook prerouting priority -150; ip daddr ${await clusterIP()} dnat to 10.244.9.9; }; }`;
  const inNode = (...command: string[]) => run(['ip', 'netns', 'exec', `portico-${cluster.name}-${node}`, ...command]);
  expect((await inNode('nft', plant)).code).toBe(0);
  const planted = await live(`pod/${pod}`, 'front:80');
  await inNode('nft', 'delete table ip planted');
  expect(planted.code).toBe(1);
  expect(planted.differences[0]).toContain('the kernel sends it to 10.244.9.9:80; the model knows 10.244.');
  expect(planted.differences[1]).toContain(
    `on ${node} it meets a rule that is none of Portico's: ip planted c: ip daddr`,
  );
});

test('the page on how a Service works prints what its commands print', async () => {
  const path = join(repository, 'docs/how-a-service-works.md');
  const runCommand = (command: string) => {
    const [program, name = '', ...args] = command.split(' ');
    expect(program).toBe('portico');
    const own = args.map((arg) => (/^(docs|examples)\//.test(arg) ? join(repository, arg) : arg));
    return cluster.portico(name, ...own);
  };
  if (process.env.UPDATE_GOLDEN) await rewrite(path, runCommand);
  else {
    for (const { command, output } of transcriptsOf(readFileSync(path, 'utf8'))) {
      const printed = async () => essence((await runCommand(command)).stdout.split('\n'));
      const wanted = essence(output);
      // What only asks may ask before the nodes have heard of what was written.
      if (/ (create|apply) /.test(command)) expect(await printed(), command).toEqual(wanted);
      else await expect.poll(printed, { timeout: 300_000, message: command }).toEqual(wanted);
    }
  }
  await kubectl('delete', 'namespace', 'shop', '--wait=false');
});

test('nonsense is told in one line', async () => {
  const nobody = await cluster.portico('plan', '--without', 'pod/nobody');
  expect([nobody.code, nobody.stderr]).toEqual([2, 'portico: plan: --without: there is no Pod default/nobody\n']);
  const lost = await cluster.portico('trace', 'pod/nobody', 'front:80');
  expect([lost.code, lost.stderr]).toEqual([2, 'portico: trace: there is no pod default/nobody among the objects\n']);
});
