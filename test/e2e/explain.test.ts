// `portico trace` and `portico plan` on a whole cluster: what they say is what then happens.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LiveTrace } from '../../src/explain/live/compare.ts';
import type { NetworkPlan } from '../../src/explain/plan/plan.ts';
import type { Trace } from '../../src/explain/trace/trace.ts';
import { repository } from '../fixtures/portico-process.ts';
import { essence, rewrite, transcriptsOf } from '../fixtures/transcripts.ts';
import { testPlans } from './explain-plans.ts';
import { eventually, run, testCluster } from './portico.ts';

const cluster = testCluster('e2e-explain');
const nodes = ['node-1', 'node-2', 'node-3'];

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

/** Every way into the cluster, and two where nothing gets in. */
const doors = `
---
apiVersion: v1
kind: Service
metadata: {name: doors}
spec: {type: LoadBalancer, externalIPs: [192.0.2.70], selector: {app: old}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: walled}
spec: {type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24], selector: {app: old}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec: {sessionAffinity: ClientIP, selector: {app: old}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
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

/** As pods of another cluster of this machine have them: addresses that pods have here, in a namespace that everybody sees. */
const stranger = `ptest-stranger-${process.pid}`;

async function addStranger(): Promise<void> {
  const add = `ip -n ${stranger} address add 10.244.$node.$pod/24 dev lo`;
  const script = `ip netns add ${stranger}; for node in 0 1 2; do for pod in 2 3 4 5; do ${add}; done; done`;
  const { code, stderr } = await run(['sh', '-ec', script]);
  if (code !== 0) throw new Error(stderr);
}

beforeAll(async () => {
  await addStranger();
  const { code, stderr } = await cluster.portico('up', '--nodes', '3', '--egress', 'off');
  if (code !== 0) throw new Error(stderr);
  await kubectl('apply', '-f', file('apps.yaml', deployment('old') + deployment('new') + service('old') + doors));
  await Promise.all([ready('old'), ready('new')]);
  await eventually('two endpoints', async () => ((await endpoints()).length === 2 ? true : undefined));
});

afterAll(async () => {
  await run(['ip', 'netns', 'delete', stranger]);
  await cluster.remove();
});

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
    'Why      Service default/front, spec.ports: the Service has no port 81/TCP; it has 80/TCP',
  );
});

test('with egress off a packet to an address outside is dropped, in the model and in the kernel', async () => {
  const asked = await cluster.portico('trace', 'node/node-1', '198.51.100.9:80', '--live', '-o', 'json');
  const { outcomes, cause, live } = JSON.parse(asked.stdout) as Trace & { live: LiveTrace };
  expect(outcomes).toMatchObject([{ result: 'dropped', destination: '198.51.100.9:80' }]);
  expect(cause?.field).toBe('--egress off');
  expect(live).toMatchObject({ result: 'dropped', differences: [] });
  expect(asked.code).toBe(1);
});

test('a plan of another selector says the slices, shares and rules that then come about', async () => {
  // Tried again, it begins anew.
  await kubectl('apply', '-f', file('service.yaml', service('old')));
  const old = (await kubectl('get', 'pods', '-l', 'app=old', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ');
  await expect.poll(endpoints, { timeout: 300_000 }).toEqual(old.sort());
  const edited = file('edited.yaml', service('new'));
  const before = await Promise.all(nodes.map(rules));
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
  const after = await Promise.all(nodes.map(rules));
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

test('whom a policy would cut off: the plan names them, a trace of the manifest says so, and then the kernel does', async () => {
  const wall = file(
    'wall.yaml',
    `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: wall}
spec: {podSelector: {matchLabels: {app: new}}, ingress: [{from: [{podSelector: {matchLabels: {app: new}}}]}]}
`,
  );
  // Tried again, it begins anew.
  await kubectl('delete', '-f', wall, '--ignore-not-found');
  const { reach } = JSON.parse((await cluster.portico('plan', '-f', wall, '-o', 'json')).stdout) as NetworkPlan;
  expect(reach).toEqual([
    {
      change: 'denied',
      from: [{ name: 'Deployment default/old', of: 2 }],
      to: [{ name: 'Service default/front:http', of: 2 }],
      policies: ['default/wall'],
    },
  ]);
  const podOf = async (app: string) =>
    (await kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  const [old, fresh] = [await podOf('old'), await podOf('new')];
  const foretold = await cluster.portico('trace', `pod/${old}`, 'front:80', '-f', wall);
  expect([foretold.code, foretold.stdout]).toEqual([1, expect.stringContaining('NetworkPolicy default/wall')]);
  expect((await cluster.portico('trace', `pod/${fresh}`, 'front:80', '-f', wall)).code).toBe(0);
  const passes = async (pod: string) => (await cluster.portico('trace', `pod/${pod}`, 'front:80', '--live')).code;
  await expect.poll(() => passes(old), { timeout: 300_000 }).toBe(0);

  await kubectl('apply', '-f', wall);
  await eventually('the policy in the kernels', async () => {
    const live = await cluster.portico('trace', `pod/${old}`, 'front:80', '--live', '-o', 'json');
    const seen = (JSON.parse(live.stdout) as { live: LiveTrace }).live;
    return seen.result === 'dropped' && seen.differences.length === 0 ? true : undefined;
  });
  // By way of another node, whose kernel may hear of the policy later.
  await expect.poll(() => passes(fresh), { timeout: 300_000 }).toBe(0);
  await kubectl('delete', '-f', wall);
  await expect.poll(() => passes(old), { timeout: 300_000 }).toBe(0);
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
  expect([wrong.code, wrong.stderr]).toEqual([2, 'portico: rules: node nobody: nodes "nobody" not found\n']);
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

const live = async (...args: string[]) => {
  const { code, stdout, stderr } = await cluster.portico('trace', ...args, '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as { live: LiveTrace }).live };
};

const field = (name: string, path: string) => kubectl('get', 'service', name, '-o', `jsonpath=${path}`);

/** A pod of the old Deployment, its node, and a node where it is not. */
async function clientPod() {
  const at = '{.items[0].metadata.name} {.items[0].spec.nodeName}';
  const [pod = '', node = ''] = (await kubectl('get', 'pods', '-l', 'app=old', '-o', `jsonpath=${at}`)).split(' ');
  return { pod, node, other: nodes.find((one) => one !== node) ?? '' };
}

test('real packets by every door, from pods, nodes and outside, take the way that the model says', async () => {
  const { pod, node, other } = await clientPod();
  const address = '{.status.loadBalancer.ingress[0].ip}';
  const [balanced, walled] = await eventually('addresses of load balancers', async () => {
    const found = [await field('doors', address), await field('walled', address)];
    return found.includes('') ? undefined : found;
  });
  const nodePort = await field('doors', '{.spec.ports[0].nodePort}');
  const samples: readonly (readonly [from: string, to: string, result: LiveTrace['result']])[] = [
    [`pod/${pod}`, 'front:80', 'arrives'],
    [`pod/${pod}`, 'sticky:80', 'arrives'],
    [`pod/${pod}`, 'kube-dns.kube-system:53/udp', 'arrives'],
    [`pod/${pod}`, `${other}:${nodePort}`, 'arrives'],
    [`pod/${pod}`, '192.0.2.70:80', 'arrives'],
    [`pod/${pod}`, `${balanced}:80`, 'arrives'],
    [`node/${node}`, `${await clusterIP()}:80`, 'arrives'],
    [`node/${other}`, `${other}:${nodePort}`, 'arrives'],
    ['external', `${other}:${nodePort}`, 'arrives'],
    ['external', `${balanced}:80`, 'arrives'],
    [`pod/${pod}`, 'front:81', 'refused'],
    [`pod/${pod}`, 'nobody:80', 'refused'],
    [`node/${node}`, '10.96.255.250:80', 'dropped'],
    ['external', `${walled}:80`, 'dropped'],
  ];
  const met: unknown[] = [];
  // One after the other, as people do it: two cores have enough to do with one.
  for (const [from, to] of samples) {
    const { code, differences, result } = await live(from, to, '--live');
    met.push({ from, to, code, differences, result });
  }
  const agreeing = samples.map(([from, to, result]) => {
    return { from, to, code: result === 'arrives' ? 0 : 1, differences: [], result };
  });
  expect(met).toEqual(agreeing);
});

test('a packet of somebody else is waited for and followed', async () => {
  const { pod } = await clientPod();
  const sending = new AbortController();
  const sender = (async () => {
    while (!sending.signal.aborted) await cluster.portico('kubectl', 'exec', pod, '--', 'wget', '-qO-', 'http://front');
  })();
  const followed = live(`pod/${pod}`, 'front:80', '--wait', '60s').finally(async () => {
    sending.abort();
    await sender;
  });
  const { code, differences, result, sent } = await followed;
  expect([code, differences, result, sent]).toEqual([0, [], 'arrives', undefined]);
  const nobody = await cluster.portico('trace', 'external', 'node-1:9', '--wait', '1s');
  expect([nobody.code, nobody.stderr]).toEqual([
    2,
    expect.stringContaining('trace: --live: no such packet came by in 1 s on node-1'),
  ]);
});

test('rules planted in the kernel are found and named: one that sends elsewhere, one that drops the answer', async () => {
  const { pod, node } = await clientPod();
  const inNode = async (...command: string[]) => {
    const { code, stderr } = await run(['ip', 'netns', 'exec', `portico-${cluster.name}-${node}`, ...command]);
    if (code !== 0) throw new Error(stderr);
  };
  const planted = async (rule: string) => {
    await inNode('nft', `table ip planted { chain c { ${rule}; }; }`);
    const found = await live(`pod/${pod}`, 'front:80', '--live').finally(() =>
      inNode('nft', 'delete table ip planted'),
    );
    expect(found.code).toBe(1);
    return found.differences;
  };
  const away = await planted(
    `type nat hook prerouting priority -150; ip daddr ${await clusterIP()} dnat to 10.244.9.9`,
  );
  expect(away[0]).toContain('the kernel sends it to 10.244.9.9:80; the model knows 10.244.');
  expect(away[1]).toContain(`on ${node} it meets a rule that is none of Portico's: ip planted c: ip daddr`);
  const silent = await planted('type filter hook prerouting priority -310; tcp sport 80 drop');
  expect(silent[0]).toContain('no answer came to the sender: something on the way back drops it');
});

testPlans(cluster, nodes);

test('the page on how a Service works prints what its commands print', async () => {
  const path = join(repository, 'docs/how-a-service-works.md');
  const runCommand = (command: string) => {
    const [program, name = '', ...args] = command.split(' ');
    expect(program).toBe('portico');
    const own = args.map((arg) => (/^(docs|examples)\//.test(arg) ? join(repository, arg) : arg));
    return cluster.portico(name, ...own);
  };
  // Tried again, it begins anew.
  await kubectl('delete', 'namespace', 'shop', '--ignore-not-found');
  if (process.env.UPDATE_GOLDEN) await rewrite(path, runCommand);
  else {
    for (const { command, output } of transcriptsOf(readFileSync(path, 'utf8'))) {
      const printed = async () => essence((await runCommand(command)).stdout.split('\n'));
      const wanted = essence(output);
      expect(wanted, `a command that fails prints as much as this block: ${command}`).not.toEqual([]);
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
  expect([lost.code, lost.stderr]).toEqual([
    2,
    'portico: trace: there is no pod default/nobody among the objects: kubectl get pods -A lists those that there are\n',
  ]);
});
