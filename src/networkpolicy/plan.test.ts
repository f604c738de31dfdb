import { describe, expect, test } from 'vitest';
import type { Namespace, Pod, PodSpec } from '../api/core/v1/types.generated.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../api/networking/v1/types.generated.ts';
import { deniedBy, type PolicyPacket } from './denied-by.ts';
import { type PolicyObjects, planPolicies } from './plan.ts';

const namespaces: Namespace[] = ['shop', 'other'].map((name) => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  spec: {},
}));

interface PodOptions {
  readonly ips: readonly string[];
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly ports?: Record<string, number>;
  readonly spec?: Partial<PodSpec>;
  readonly phase?: string;
}

function pod(
  name: string,
  { ips, labels = { app: name }, namespace = 'shop', ports = {}, spec, phase }: PodOptions,
): Pod {
  const named = Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort }));
  return {
    metadata: { name, namespace, labels },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i', ports: named }], ...spec },
    status: { phase: phase ?? 'Running', podIPs: ips.map((ip) => ({ ip })) },
  };
}

const web = pod('web', { ips: ['10.244.1.2', 'fd00::2'], ports: { http: 8080 } });
const client = pod('client', { ips: ['10.244.1.3', 'fd00::3'], ports: { http: 9090 } });
const stranger = pod('stranger', { ips: ['10.244.2.4', 'fd00::4'], namespace: 'other', spec: { nodeName: 'node-2' } });
const pods = [web, client, stranger];

function policy(spec: Partial<NetworkPolicySpec>, name = 'policy', namespace = 'shop'): NetworkPolicy {
  return { metadata: { name, namespace }, spec: { podSelector: {}, ...spec } };
}

/** Whether `from` reaches `to` (by their first addresses unless told) on a TCP port. */
function reaches(
  objects: Partial<PolicyObjects> & Pick<PolicyObjects, 'policies'>,
  packet: Partial<PolicyPacket> & Pick<PolicyPacket, 'source' | 'destination'>,
): boolean {
  const plan = planPolicies({ pods, namespaces, ...objects }, 'node-1');
  return deniedBy(plan, { protocol: 'TCP', port: 8080, ...packet }) === undefined;
}

const clientToWeb = { source: '10.244.1.3', destination: '10.244.1.2' };
const strangerToWeb = { source: '10.244.2.4', destination: '10.244.1.2' };
const webToStranger = { source: '10.244.1.2', destination: '10.244.2.4' };
const worldToWeb = { source: '192.0.2.7', destination: '10.244.1.2' };

describe('which pods are isolated', () => {
  test('none without a policy', () => {
    expect(reaches({ policies: [] }, strangerToWeb)).toBe(true);
  });

  test('those that a policy selects, in its namespace, in both families, and no others', () => {
    const policies = [policy({ podSelector: { matchLabels: { app: 'web' } } })];
    expect(reaches({ policies }, clientToWeb)).toBe(false);
    expect(reaches({ policies }, { source: 'fd00::3', destination: 'fd00::2' })).toBe(false);
    expect(reaches({ policies }, { source: '10.244.1.2', destination: '10.244.1.3' })).toBe(true);
    expect(reaches({ policies: [policy({}, 'far', 'other')] }, clientToWeb)).toBe(true);
  });

  test('a pod reaches itself', () => {
    const policies = [policy({ policyTypes: ['Ingress', 'Egress'] })];
    expect(reaches({ policies }, { source: '10.244.1.2', destination: '10.244.1.2' })).toBe(true);
  });

  test('pods of other nodes are for those nodes, pods of the host network and ended ones for nobody', () => {
    const policies = [policy({ policyTypes: ['Ingress', 'Egress'] }), policy({}, 'p', 'other')];
    const host = pod('host', { ips: ['172.30.0.11'], spec: { nodeName: 'node-1', hostNetwork: true } });
    const over = pod('over', { ips: ['10.244.1.9'], phase: 'Succeeded' });
    const plan = planPolicies({ pods: [...pods, host, over], namespaces, policies }, 'node-1');
    expect([...plan.ingress.keys()]).toEqual(['10.244.1.2', 'fd00::2', '10.244.1.3', 'fd00::3']);
    expect([...plan.egress.keys()]).toEqual([...plan.ingress.keys()]);
  });

  test('without policyTypes: what comes in, and what goes out where there are rules for it', () => {
    const inOnly = [policy({})];
    expect(reaches({ policies: inOnly }, webToStranger)).toBe(true);
    expect(reaches({ policies: inOnly }, strangerToWeb)).toBe(false);
    const both = [policy({ egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] })];
    expect(reaches({ policies: both }, webToStranger)).toBe(false);
    expect(reaches({ policies: both }, strangerToWeb)).toBe(false);
    const outOnly = [policy({ policyTypes: ['Egress'] })];
    expect(reaches({ policies: outOnly }, webToStranger)).toBe(false);
    expect(reaches({ policies: outOnly }, strangerToWeb)).toBe(true);
  });
});

describe('who is let through', () => {
  const from = (...peers: NonNullable<NonNullable<NetworkPolicySpec['ingress']>[number]['from']>) => [
    policy({ ingress: [{ from: peers }] }),
  ];

  test('an empty rule lets everyone through; no rule lets nobody', () => {
    expect(reaches({ policies: [policy({ ingress: [{}] })] }, worldToWeb)).toBe(true);
    expect(reaches({ policies: [policy({ ingress: [] })] }, worldToWeb)).toBe(false);
  });

  test('a podSelector alone means pods of the policy’s namespace', () => {
    const policies = from({ podSelector: {} });
    expect(reaches({ policies }, clientToWeb)).toBe(true);
    expect(reaches({ policies }, strangerToWeb)).toBe(false);
    expect(reaches({ policies }, worldToWeb)).toBe(false);
  });

  test('a namespaceSelector alone means all pods of such namespaces, an empty one all pods', () => {
    const other = { matchLabels: { 'kubernetes.io/metadata.name': 'other' } };
    expect(reaches({ policies: from({ namespaceSelector: other }) }, strangerToWeb)).toBe(true);
    expect(reaches({ policies: from({ namespaceSelector: other }) }, clientToWeb)).toBe(false);
    expect(reaches({ policies: from({ namespaceSelector: {} }) }, clientToWeb)).toBe(true);
    expect(reaches({ policies: from({ namespaceSelector: {} }) }, worldToWeb)).toBe(false);
  });

  test('both in one peer must hold, as two peers either', () => {
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'other' } };
    const podSelector = { matchLabels: { app: 'client' } };
    expect(reaches({ policies: from({ namespaceSelector, podSelector }) }, strangerToWeb)).toBe(false);
    expect(reaches({ policies: from({ namespaceSelector, podSelector }) }, clientToWeb)).toBe(false);
    expect(reaches({ policies: from({ namespaceSelector }, { podSelector }) }, strangerToWeb)).toBe(true);
    expect(reaches({ policies: from({ namespaceSelector }, { podSelector }) }, clientToWeb)).toBe(true);
  });

  test('an ipBlock means addresses, without its exceptions', () => {
    const policies = from({ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.4/30'] } });
    expect(reaches({ policies }, worldToWeb)).toBe(false);
    expect(reaches({ policies }, { ...worldToWeb, source: '192.0.2.8' })).toBe(true);
    expect(reaches({ policies }, { source: '2001:db8::1', destination: 'fd00::2' })).toBe(false);
  });

  test('what one policy lets through no other forbids', () => {
    const policies = [policy({}, 'nobody'), policy({ ingress: [{ from: [{ podSelector: {} }] }] }, 'friends')];
    expect(reaches({ policies }, clientToWeb)).toBe(true);
    expect(reaches({ policies }, strangerToWeb)).toBe(false);
  });

  test('both ends must let it through', () => {
    const out = policy({ podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress: [] }, 'out');
    const into = policy({ ingress: [{}] }, 'in');
    expect(reaches({ policies: [out, into] }, clientToWeb)).toBe(false);
    expect(reaches({ policies: [into] }, clientToWeb)).toBe(true);
  });
});

describe('ports', () => {
  const onPorts = (...ports: NonNullable<NonNullable<NetworkPolicySpec['ingress']>[number]['ports']>) => [
    policy({ ingress: [{ ports }] }),
  ];
  const at = (port: number, protocol: PolicyPacket['protocol'] = 'TCP') => ({ ...clientToWeb, port, protocol });

  test('TCP is meant where nothing is said, and only what is said passes', () => {
    const policies = onPorts({ port: 80 });
    expect([at(80), at(81), at(80, 'UDP'), at(0, 'ICMP')].map((p) => reaches({ policies }, p))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(reaches({ policies: [policy({ ingress: [{}] })] }, at(0, 'ICMP'))).toBe(true);
  });

  test('a protocol without a port means all its ports', () => {
    const policies = onPorts({ protocol: 'SCTP' });
    expect([at(0, 'SCTP'), at(65535, 'SCTP'), at(9)].map((p) => reaches({ policies }, p))).toEqual([true, true, false]);
  });

  test('endPort belongs to the range', () => {
    const policies = onPorts({ protocol: 'UDP', port: 1000, endPort: 1002 });
    expect([999, 1000, 1002, 1003].map((n) => reaches({ policies }, at(n, 'UDP')))).toEqual([false, true, true, false]);
  });

  test('a name means what the receiving pod calls so, each its own', () => {
    const policies = onPorts({ port: 'http' });
    expect(reaches({ policies }, at(8080))).toBe(true);
    expect(reaches({ policies }, at(9090))).toBe(false);
    expect(reaches({ policies }, { source: '10.244.1.2', destination: '10.244.1.3', port: 9090 })).toBe(true);
    const out = [
      policy({ policyTypes: ['Egress'], egress: [{ to: [{ podSelector: {} }], ports: [{ port: 'http' }] }] }),
    ];
    expect(reaches({ policies: out }, at(8080))).toBe(true);
    expect(reaches({ policies: out }, at(9090))).toBe(false);
    const anyone = [policy({ policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] })];
    expect(reaches({ policies: anyone }, at(8080))).toBe(true);
    expect(reaches({ policies: anyone }, { ...webToStranger, port: 8080 })).toBe(false);
  });
});

test('who drops is told of, and keeps its id while peers change', () => {
  const policies = [policy({ ingress: [{ from: [{ podSelector: {} }] }] }, 'friends'), policy({}, 'all')];
  const plan = planPolicies({ pods, namespaces, policies }, 'node-1');
  const denied = deniedBy(plan, { ...strangerToWeb, protocol: 'TCP', port: 1 });
  expect(denied).toMatchObject({ direction: 'ingress', policies: ['shop/all', 'shop/friends'] });
  const fewer = planPolicies({ pods: [web], namespaces, policies: policies.toReversed() }, 'node-1');
  expect(fewer.ingress.get('10.244.1.2')?.id).toBe(denied?.id);
});
