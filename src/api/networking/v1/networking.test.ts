import { expect, test } from 'vitest';
import { type Body, judgeOf } from '../../../testing/refusals.ts';

const backend = { service: { name: 's', port: { number: 80 } } };
const path = (more: Body) => ({
  spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...more }] } }] },
});
const at = 'spec.rules[0].http.paths[0]';

test.each<[string, Body, string[]]>([
  ['ingresses', path({}), []],
  ['ingresses', { spec: {} }, ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified']],
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
      'spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
      'spec.ingress[0].ports[1].endPort: Forbidden: `endPort` may not be specified when `port` is non-numeric',
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
])('%s', (resource, body, messages) => expect(judgeOf(resource).create(body)).toEqual(messages));

test('an old annotation is told of', () => {
  const metadata = { annotations: { 'kubernetes.io/ingress.class': 'nginx' } };
  expect(judgeOf('ingresses').warnings({ ...path({}), metadata })).toEqual([
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ]);
});
