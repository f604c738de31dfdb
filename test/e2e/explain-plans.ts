// Changes of many kinds: what `portico plan` says of each, and what is so once it is made.
import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import type { Client } from '../../src/client/types.ts';
import { adminClient } from '../../src/cluster/admin-client.ts';
import { proxySettings } from '../../src/cluster/agent/proxy-settings.ts';
import { findKubectl } from '../../src/cluster/kubectl.ts';
import { worldKinds } from '../../src/explain/history/world-follower.ts';
import { ruleDifferences } from '../../src/explain/live/compare.ts';
import type { NetworkPlan } from '../../src/explain/plan/plan.ts';
import { policyTablesOfNodes } from '../../src/explain/trace/policies.ts';
import { renderTable } from '../../src/nftables/render.ts';
import { rulesText } from '../../src/proxy/offline.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { repository } from '../fixtures/portico-process.ts';
import { eventually, run, type TestCluster } from './portico.ts';

const service = (name: string, spec: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: plans}
spec: {${spec}}
---`;

/** What there is before the first change; each test goes on from where the last one ended. */
const beginning = `
apiVersion: v1
kind: Namespace
metadata: {name: plans}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: plans}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: &pod
      terminationGracePeriodSeconds: 0
      containers: [{name: c, image: 'portico.local/echo:1', ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: plans, labels: {app: lone}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: 'portico.local/echo:1', ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few, namespace: plans}
spec: {hard: {services.loadbalancers: '1'}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-telnet}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE, DELETE], resources: [services]}]
  validations:
    - {expression: "request.operation == 'DELETE' || !has(object.spec.ports) || object.spec.ports.all(p, p.port != 23)", message: nobody speaks telnet}
    - {expression: "request.operation != 'DELETE' || oldObject.metadata.name != 'heads'", message: this one stays}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-telnet}
spec:
  policyName: no-telnet
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: plans}}}
---`;

const ports = 'ports: [{name: http, port: 80}]';
const scaled = (replicas: number) =>
  (beginning.split('---')[1] ?? '').replace('replicas: 3', `replicas: ${replicas}`).replace('&pod', '');

interface Change {
  readonly what: string;
  /** Is applied; or `--without` names what goes. */
  readonly manifest?: string;
  readonly without?: string;
}

const changes: readonly Change[] = [
  { what: 'a new Service', manifest: service('front', `selector: {app: web}, ${ports}`) },
  { what: 'another selector', manifest: service('front', `selector: {app: lone}, ${ports}`) },
  {
    what: 'a port renamed and one more, by name',
    manifest: service(
      'front',
      'selector: {app: web}, ports: [{name: www, port: 80, targetPort: http}, {name: u, port: 81, protocol: UDP}]',
    ),
  },
  {
    what: 'a node port under policy Local',
    manifest: service('front', `type: NodePort, externalTrafficPolicy: Local, selector: {app: web}, ${ports}`),
  },
  {
    what: 'session affinity, and an address of somebody else',
    manifest: service(
      'front',
      `type: NodePort, externalIPs: [192.0.2.80], sessionAffinity: ClientIP, selector: {app: web}, ${ports}`,
    ),
  },
  {
    what: 'a headless Service, another name, and one without a selector',
    manifest:
      service('heads', `clusterIP: None, selector: {app: web}, ${ports}`) +
      service('other', 'type: ExternalName, externalName: www.example.com') +
      service('nobody', ports),
  },
  { what: 'a pod that dies', without: 'pod/lone' },
  { what: 'fewer pods', manifest: scaled(2) },
  {
    what: 'another name becomes a Service',
    manifest: service('other', `type: ClusterIP, selector: {app: web}, ${ports}`),
  },
  {
    what: 'a NetworkPolicy',
    manifest: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: plans}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 80}]}]
`,
  },
  {
    what: 'a load balancer that only its own nodes answer',
    manifest: service('balanced', `type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ${ports}`),
  },
  { what: 'a Service that goes', without: 'service/front' },
];

/** Refused by the plan in the words in which the change itself is. */
const refused = [
  { what: 'what is invalid', manifest: service('bad', `sessionAffinity: Sometimes, ${ports}`) },
  {
    what: 'what cannot be changed',
    manifest: service('heads', `clusterIP: 10.96.9.9, selector: {app: web}, ${ports}`),
  },
  { what: 'what the quota has no room for', manifest: service('lb', `type: LoadBalancer, ${ports}`) },
  { what: 'what a validating policy denies', manifest: service('old', 'ports: [{port: 23}]') },
  { what: 'a field that Services do not have', manifest: service('typo', `selectors: {app: web}, ${ports}`) },
  { what: 'a namespace that is not there', manifest: service('x', ports).replace('plans', 'nowhere') },
] as const;

/** As `portico up` starts clusters. */
const settings = proxySettings('nftables', {
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
  serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
});

export function testPlans(cluster: TestCluster, nodes: readonly string[]): void {
  let connected: Promise<Client> | undefined;
  const client = () => {
    connected ??= adminClient(cluster.kubeconfig, { files: realFiles, clock: realClock });
    return connected;
  };
  const kubectl = async (...args: string[]) => {
    const program = await findKubectl(join(repository, 'node_modules/.cache/kubectl'));
    if (!program) throw new Error('there is no kubectl on PATH, and none came with the npm packages');
    const { code, stdout, stderr } = await run([program, '--kubeconfig', cluster.kubeconfig, '-n', 'plans', ...args]);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const file = (text: string) => {
    const path = join(cluster.dataDir, 'change.yaml');
    writeFileSync(path, text);
    return path;
  };
  /** What `portico rules` prints for each node, and the tables of its NetworkPolicies. */
  const allRules = async () => {
    const lists = await Promise.all(
      worldKinds.map(async ([kind, resource]) => {
        const { items } = await (await client()).resource<KubeObject>(resource).list();
        return items.map((item) => ({ ...item, kind }));
      }),
    );
    const asked = { objects: lists.flat(), settings, families: ['IPv4', 'IPv6'] } as const;
    const texts = nodes.map(async (nodeName) => {
      const policies = (['IPv4', 'IPv6'] as const).flatMap((family) =>
        policyTablesOfNodes(asked.objects)(nodeName, family),
      );
      return (await rulesText({ ...asked, nodeName })) + policies.map(renderTable).join('');
    });
    return Promise.all(texts);
  };
  const allLines = async () => (await allRules()).map((text) => linesOf(text.split('\n')));
  /** Where the kernels of the nodes have other rules than the objects give rise to. */
  const kernelDifferences = async () => {
    const texts = await allRules();
    const found = nodes.map(async (node, i) => {
      const kernelRules = await listed(['ip', 'netns', 'exec', `portico-${cluster.name}-${node}`, 'sh', '-c', list]);
      const modelRules = await listed(['unshare', '--net', 'sh', '-c', `nft -f - && { ${list}; }`], texts[i]);
      return ruleDifferences({ node, kernelRules, modelRules });
    });
    return (await Promise.all(found)).flat();
  };
  const planned = async ({ manifest, without = '' }: Change) => {
    const change = manifest === undefined ? ['--without', without] : ['-f', file(manifest)];
    const { code, stdout, stderr } = await cluster.portico('plan', '-n', 'plans', ...change, '-o', 'json');
    if (code !== 1) throw new Error(`plan ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as NetworkPlan;
  };

  test('what changes are planned on is there', async () => {
    await kubectl('apply', '-f', file(beginning));
    await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=300s');
    await kubectl('wait', '--for=condition=Ready', 'pod/lone', '--timeout=300s');
  });

  test.each(changes)('$what: objects, slices, records and rules are then as planned', async (change) => {
    const before = await allLines();
    const plan = await planned(change);
    if (change.manifest === undefined) await kubectl('delete', ...(change.without ?? '').split('/'));
    else await kubectl('apply', '-f', file(change.manifest));
    const fill = await whatStands(plan, kubectl);
    const said = nodes.map((node) => {
      const { added = [], removed = [] } = plan.rules.find((one) => one.node === node) ?? {};
      return { node, added: [...linesOf(added.map(fill))].sort(), removed: [...linesOf(removed)].sort() };
    });
    await vi.waitFor(
      async () => {
        const differing = (await allLines()).map((after, i) => ({
          node: nodes[i],
          added: [...after].filter((line) => !before[i]?.has(line)).sort(),
          removed: [...(before[i] ?? [])].filter((line) => !after.has(line)).sort(),
        }));
        expect(differing).toEqual(said);
      },
      { timeout: 300_000, interval: 100 },
    );
    // So far that is the model of what there is now; its agents have written it, too.
    await vi.waitFor(async () => expect(await kernelDifferences()).toEqual([]), { timeout: 300_000, interval: 100 });
    await objectsAre(plan, fill, kubectl);
    await slicesAre(plan, kubectl);
    await recordsAre(plan, { fill, servers: await nodeAddresses(kubectl) });
  });
  test('what was applied is no change any more', async () => {
    const manifest = [scaled(2), service('other', `type: ClusterIP, selector: {app: web}, ${ports}`)].join('\n---');
    const { code, stdout } = await cluster.portico('plan', '-f', file(manifest));
    expect([code, stdout]).toEqual([0, 'Nothing would change.\n']);
  });

  test.each(refused)('$what is refused in the same words', async ({ manifest }) => {
    const path = file(manifest);
    const [plan, apply] = [
      await cluster.portico('plan', '-f', path),
      await cluster.portico('kubectl', 'apply', '-f', path),
    ];
    expect([plan.code, apply.code]).toEqual([2, 1]);
    const words = wordsOf(plan.stderr);
    expect(words).not.toBe('');
    expect(apply.stderr.replace(/\n\* /g, ' ')).toContain(words);
  });

  test('a Service that a policy keeps is not planned away, in the same words', async () => {
    const [plan, deletion] = [
      await cluster.portico('plan', '-n', 'plans', '--without', 'service/heads'),
      await cluster.portico('kubectl', '-n', 'plans', 'delete', 'service', 'heads'),
    ];
    expect([plan.code, deletion.code]).toEqual([2, 1]);
    expect(deletion.stderr).toContain(wordsOf(plan.stderr));
    expect(plan.stderr).toContain('this one stays');
  });

  test('a NetworkPolicy: tables on the nodes that the plan names, and pods that come are told of', async () => {
    const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: plans}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
`;
    const { rules } = await planned({ what: 'closed', manifest: policy });
    const on = (await kubectl('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ');
    expect(rules.map(({ node }) => node)).toEqual([...new Set(on)].sort());
    const addresses = (await kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ');
    for (const address of addresses) expect(rules.some(({ added }) => added.join(' ').includes(address))).toBe(true);
    const more = await planned({ what: 'more pods', manifest: scaled(4) });
    expect(more.notes).toEqual(['2 more pods of Deployment plans/web: addresses are known when they run']);
    await kubectl('delete', 'validatingadmissionpolicy', 'no-telnet');
    await kubectl('delete', 'validatingadmissionpolicybinding', 'no-telnet');
    await kubectl('delete', 'namespace', 'plans', '--wait=false');
  });
}

/** The tables of both families, as the kernel tells them; those of policies come and go. */
const list =
  'for f in ip ip6; do nft -s list table $f portico-proxy; nft -s list table $f portico-networkpolicy 2>/dev/null || true; done';

async function listed(command: readonly string[], input = ''): Promise<string[]> {
  const { code, stdout, stderr } = await realExec.run(command, { input });
  if (code !== 0) throw new Error(stderr);
  return stdout.split(/\n|, (?=[\w.:]+ \. )/);
}

type Kubectl = (...args: string[]) => Promise<string>;
type Fill = (line: string) => string;

/** What the server said, without the place of the manifest; kubectl leaves out of whom policies speak. */
const wordsOf = (stderr: string) =>
  stderr.replace(/^portico: plan: (?:\S+\.yaml:\d+: )?(?:services "\w+" is forbidden: (?=Valid))?/, '').trim();

/** Without the commas between elements, which depend on their order. */
function linesOf(lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.map((line) => line.trim().replace(/,$/, '')));
}

/** Puts what was picked in the place of what stood for it. */
async function whatStands({ placeholders }: NetworkPlan, kubectl: Kubectl): Promise<Fill> {
  const pairs = await Promise.all(
    placeholders.map(async ({ object, field, value }) => {
      const name = object.split('/')[1] ?? '';
      const path = field === 'spec.clusterIPs' ? '{.spec.clusterIP}' : `{.${field.replace('[]', '[0]')}}`;
      return [value, await kubectl('get', 'service', name, '-o', `jsonpath=${path}`)] as const;
    }),
  );
  return (line) =>
    pairs.reduce((text, [value, picked]) => {
      return text.replaceAll(new RegExp(`(?<![\\d.])${value.replaceAll('.', '\\.')}(?![\\d])`, 'g'), picked);
    }, line);
}

async function objectsAre({ objects }: NetworkPlan, fill: Fill, kubectl: Kubectl): Promise<void> {
  for (const { object, change, fields } of objects) {
    const [kind = '', key = ''] = object.split(' ');
    const name = key.split('/')[1] ?? key;
    if (change === 'deleted') {
      await eventually(`${object} to be gone`, async () => {
        const found = await kubectl('get', kind, name, '--ignore-not-found', '-o', 'name');
        return found === '' ? true : undefined;
      });
      continue;
    }
    const found: unknown = JSON.parse(await kubectl('get', kind, name, '-o', 'json'));
    for (const { path, after } of fields) {
      // What is gone is no JSON; annotations have dots in their names.
      if (path.startsWith('metadata.') || after === undefined) continue;
      const value = path
        .split('.')
        .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], found);
      expect(value, `${object} ${path}`).toEqual(JSON.parse(fill(JSON.stringify(after))));
    }
  }
}

/** Everybody who gets traffic is in a slice, and nobody who does not. */
async function slicesAre({ shares }: NetworkPlan, kubectl: Kubectl): Promise<void> {
  for (const port of new Set(shares.map(({ servicePort }) => servicePort))) {
    const name = (port.split(':')[0] ?? '').split('/')[1] ?? '';
    const wanted = shares.flatMap(({ endpoint, after, servicePort }) =>
      servicePort === port && after > 0 ? [endpoint.split(':')[0]] : [],
    );
    // No rule of a headless Service tells that its slices are there.
    const listed = async () => {
      const addresses = 'jsonpath={.items[*].endpoints[*].addresses[0]}';
      const said = await kubectl('get', 'endpointslices', '-l', `kubernetes.io/service-name=${name}`, '-o', addresses);
      return said.split(' ');
    };
    await expect.poll(listed, { timeout: 300_000 }).toEqual(expect.arrayContaining(wanted));
  }
}

async function nodeAddresses(kubectl: Kubectl): Promise<string[]> {
  return (
    await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}')
  ).split(' ');
}

interface Zone {
  readonly fill: Fill;
  readonly servers: readonly string[];
}

/** Each node answers with what comes, and not with what goes. */
async function recordsAre({ records }: NetworkPlan, { fill, servers }: Zone): Promise<void> {
  for (const server of servers) {
    const resolver = new Resolver({ timeout: 5000, tries: 4 });
    resolver.setServers([server]);
    await eventually(`the planned records on ${server}`, async () => {
      const added = await Promise.all(records.added.map((record) => isAnswered(resolver, fill(record))));
      const removed = await Promise.all(records.removed.map((record) => isAnswered(resolver, record)));
      return added.every(Boolean) && !removed.some(Boolean) ? true : undefined;
    });
  }
}

async function isAnswered(resolver: Resolver, record: string): Promise<boolean> {
  const [name = '', type = '', ...data] = record.split(' ');
  const bare = (host: string) => host.replace(/\.$/, '');
  try {
    if (type === 'A') return (await resolver.resolve4(bare(name))).includes(data[0] ?? '');
    if (type === 'CNAME') return (await resolver.resolveCname(bare(name))).includes(bare(data[0] ?? ''));
    if (type !== 'SRV') throw new Error(`${record}: no test for records of this type`);
    const [priority, weight, port, target = ''] = data;
    return (await resolver.resolveSrv(bare(name))).some((one) => {
      const asked = [one.priority, one.weight, one.port, bare(one.name)].join(' ');
      return asked === [priority, weight, port, bare(target)].join(' ');
    });
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (['ENOTFOUND', 'ENODATA', 'ETIMEOUT'].includes(code)) return false;
    throw error;
  }
}
