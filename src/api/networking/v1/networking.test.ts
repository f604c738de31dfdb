import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';

const backend = { service: { name: 's', port: { number: 80 } } };
const path = (more: Body) => ({
  spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...more }] } }] },
});
const at = 'spec.rules[0].http.paths[0]';

test.each<[string, Body, string[]]>([
  ['ingresses', path({}), []],
  ['ingresses', { spec: {} }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  [
    'ingresses',
    path({ path: 'a//b', pathType: 'Exact' }),
    [
      `${at}.path: Invalid value: "a//b": must be an absolute path`,
      `${at}.path: Invalid value: "a//b": must not contain '//'`,
    ],
  ],
  [
    'ingresses',
    path({ pathType: 'Glob' }),
    [`${at}.pathType: Unsupported value: "Glob": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
  ],
  [
    'ingresses',
    path({ backend: { service: { name: 's' } } }),
    [`${at}.backend: Required value: port name or number is required`],
  ],
  [
    'ingresses',
    { spec: { defaultBackend: backend, rules: [{ host: '10.0.0.1' }] } },
    ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  ],
  ['ingressclasses', { spec: { controller: 'example.com/c' } }, []],
  [
    'ingressclasses',
    { spec: { controller: 'c', parameters: { kind: 'K', name: 'n', scope: 'Namespace' } } },
    [
      'spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")',
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
  ],
  ['networkpolicies', { spec: { podSelector: {}, egress: [{}] } }, []],
  [
    'networkpolicies',
    {
      spec: {
        ingress: [
          {
            ports: [
              { port: 80, endPort: 79 },
              { port: 'http', endPort: 90 },
            ],
          },
        ],
      },
    },
    [
      'spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
      'spec.ingress[0].ports[1].endPort: Invalid value: 90: may not be specified when `port` is non-numeric',
    ],
  ],
  [
    'networkpolicies',
    {
      spec: {
        egress: [
          { to: [{}, { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/9'] } }] },
        ],
      },
    },
    [
      'spec.egress[0].to[0]: Required value: must specify a peer',
      'spec.egress[0].to[1].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      'spec.egress[0].to[1].ipBlock.except[1]: Invalid value: "11.0.0.0/9": must be a strict subset of `cidr`',
      'spec.egress[0].to[1]: Forbidden: may not specify both ipBlock and another peer',
    ],
  ],
  [
    'ingresses',
    { spec: { defaultBackend: {} } },
    ['spec.defaultBackend: Invalid value: "": resource or service backend is required'],
  ],
  [
    'ingresses',
    { spec: { defaultBackend: { resource: { apiGroup: 'g.io', kind: '', name: 'a/b' } } } },
    [
      'spec.defaultBackend.resource.kind: Required value: kind is required',
      'spec.defaultBackend.resource.name: Invalid value: "a/b": may not contain \'/\'',
    ],
  ],
  [
    'ingresses',
    {
      metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } },
      spec: { defaultBackend: backend, ingressClassName: 'b' },
    },
    [
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ],
  ],
  [
    'ingressclasses',
    { spec: { controller: 'example.com/<>', parameters: { apiGroup: 'A', kind: '', name: '', namespace: 'n' } } },
    [
      "spec.controller: Invalid value: \"<>\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
      "spec.parameters.apiGroup: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.parameters.kind: Required value: kind is required',
      'spec.parameters.name: Required value: name is required',
      "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    ],
  ],
  [
    'networkpolicies',
    { spec: { policyTypes: ['Up'], egress: [{ ports: [{ protocol: 'ICMP', endPort: 5 }] }] } },
    [
      'spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
      'spec.egress[0].ports[0].endPort: Invalid value: 5: may not be specified when `port` is not specified',
      'spec.policyTypes[0]: Unsupported value: "Up": supported values: "Ingress", "Egress"',
    ],
  ],
  ['servicecidrs', { spec: { cidrs: [] } }, ['spec.cidrs: Required value: at least one CIDR required']],
  [
    'servicecidrs',
    { spec: { cidrs: ['10.0.0.0/24', '10.1.0.0/24'] } },
    [
      'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.1.0.0/24"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
  ],
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('what a policy is for, when it does not say: egress where it has rules for it', () => {
  const typesOf = (spec: Body) => (prepared('networkpolicies', { spec }).spec as Body).policyTypes;
  expect(typesOf({})).toEqual(['Ingress']);
  expect(typesOf({ policyTypes: [], egress: [] })).toEqual(['Ingress']);
  expect(typesOf({ egress: [{}] })).toEqual(['Ingress', 'Egress']);
});

test.each<[string, string[], string[], string[]]>([
  ['the other family joins', ['10.0.0.0/24'], ['10.0.0.0/24', 'fd00::/112'], []],
  ['another', ['10.0.0.0/24'], ['10.1.0.0/24'], ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']],
  [
    'one leaves',
    ['10.0.0.0/24', 'fd00::/112'],
    ['10.0.0.0/24'],
    ['spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable'],
  ],
])('a ServiceCIDR changes: %s', (_what, before, after, messages) => {
  expect(judgeOf('servicecidrs').update({ spec: { cidrs: before } }, { spec: { cidrs: after } })).toEqual(messages);
});

test('an IPAddress stays with its owner', () => {
  const parentRef = { group: '', resource: 'services', namespace: 'n', name: 's' };
  const owned = { metadata: { name: '10.0.0.1' }, spec: { parentRef } };
  expect(judgeOf('ipaddresses').update(owned, { spec: { parentRef: { name: 't' } } })).toEqual([
    'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"n","Name":"t"}: field is immutable',
  ]);
});

test('an old annotation is told of', () => {
  const metadata = { annotations: { 'kubernetes.io/ingress.class': 'nginx' } };
  expect(judgeOf('ingresses').warnings({ ...path({}), metadata })).toEqual([
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ]);
});

test('a block that a NetworkPolicy had may stay, and move, though it would be refused now', () => {
  const odd = '10.0.0.1/24';
  const judge = judgeOf('networkpolicies');
  const policy = (from: readonly string[], to: readonly string[]) => ({
    spec: {
      podSelector: {},
      ingress: [{ from: from.map((cidr) => ({ ipBlock: { cidr } })) }],
      egress: [{ to: to.map((cidr) => ({ ipBlock: { cidr } })) }],
    },
  });
  expect(judge.create(policy([odd], []))).toHaveLength(1);
  expect(judge.update(policy([odd], []), policy([], [odd]))).toEqual([]);
  expect(judge.update(policy([odd], []), policy([], ['10.0.0.2/24']))).toEqual([
    'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.2/24": must not have bits set beyond the prefix length',
  ]);
});

test('blocks in another form than the canonical one are told of', () => {
  const ipBlock = { cidr: 'FD00::/8', except: ['fd00:0::/64', 'fd01::/64'] };
  const spec = {
    podSelector: {},
    ingress: [{}, { from: [{ ipBlock }] }],
    egress: [{ to: [{ podSelector: {} }, { ipBlock }] }],
  };
  const at = (path: string) => [
    `${path}.cidr: IPv6 CIDR value "FD00::/8" should be in RFC 5952 canonical format ("fd00::/8")`,
    `${path}.except[0]: IPv6 CIDR value "fd00:0::/64" should be in RFC 5952 canonical format ("fd00::/64")`,
  ];
  expect(judgeOf('networkpolicies').warnings({ spec })).toEqual([
    ...at('spec.ingress[1].from[0].ipBlock'),
    ...at('spec.egress[0].to[1].ipBlock'),
  ]);
});
