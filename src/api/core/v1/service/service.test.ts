import { expect, test } from 'vitest';
import { type FieldError, fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import { builtinResources } from '../../../registry.ts';
import type { Service, ServiceSpec, ServiceStatus } from '../types.generated.ts';
import { serviceCells } from './columns.ts';
import { defaultService } from './defaults.ts';

const { strategy } = builtinResources().find(({ resource }) => resource === 'services')!;
const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorMessage);

/** A Service as it leaves the allocator. */
function serviceOf(spec: ServiceSpec, status: ServiceStatus = { loadBalancer: {} }): Service {
  const service: Service = {
    metadata: { name: 's', namespace: 'demo' },
    spec: {
      ports: [{ port: 80 }],
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ...spec,
    },
    status,
  };
  defaultService(service);
  return service;
}
const refusals = (spec: ServiceSpec): string[] => texts(strategy.validate!(serviceOf(spec)));

test('what is empty is as good as absent', () => {
  const { spec } = serviceOf({ selector: {}, externalIPs: [], publishNotReadyAddresses: false, externalName: '' });
  expect(Object.keys(spec).sort()).toEqual([
    'clusterIP',
    'clusterIPs',
    'internalTrafficPolicy',
    'ipFamilies',
    'ipFamilyPolicy',
    'ports',
    'sessionAffinity',
    'type',
  ]);
});

test.each<[ServiceSpec, string[]]>([
  [{}, []],
  [{ externalIPs: ['198.51.100.1'] }, []],
  [{ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86400 } } }, []],
  [
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ],
  ],
  [
    { externalIPs: ['0.0.0.0', 'fe80::1'] },
    [
      'spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'spec.externalIPs[1]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
  ],
  [
    { clusterIPs: ['10.96.0.9', '10.96.0.8'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP family'],
  ],
  [
    { clusterIP: 'None', clusterIPs: ['None', '10.96.0.9'] },
    [`spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: 'None' must be the first and only value`],
  ],
  [{ ipFamilies: ['IPv4', 'IPv4'] }, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
  [
    {
      clusterIPs: ['10.96.0.9', 'fd00::9', '10.96.0.10'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    },
    ['spec.clusterIPs: Invalid value: ["10.96.0.9","fd00::9","10.96.0.10"]: may only hold up to 2 values'],
  ],
  [{ type: 'LoadBalancer', ports: [{ port: 10250 }] }, []],
  [
    { type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8 ', '10.1.1.1/8'] },
    ['spec.LoadBalancerSourceRanges[1]: Invalid value: "10.1.1.1/8": must not have bits set beyond the prefix length'],
  ],
  [
    {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30000 },
        { name: 'b', port: 2, nodePort: 30000 },
      ],
    },
    ['spec.ports[1].nodePort: Duplicate value: 30000'],
  ],
])('%j', (spec, errors) => expect(refusals(spec)).toEqual(errors));

/** The whole way of an update, without allocation. */
function update(old: Service, change: (spec: ServiceSpec) => void): { service: Service; errors: string[] } {
  const service = structuredClone(old);
  change(service.spec);
  strategy.default!(service);
  strategy.prepareForUpdate!(service, old);
  return { service, errors: texts(strategy.validateUpdate!(service, old)) };
}

test('leaving LoadBalancer empties what only it has, save the source ranges', () => {
  const old = serviceOf(
    {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31000,
      loadBalancerClass: 'x.com/y',
      ports: [{ port: 80, nodePort: 30001 }],
      loadBalancerSourceRanges: ['10.0.0.0/8'],
    },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  );
  const { service, errors } = update(old, (spec) => (spec.type = 'ClusterIP'));
  expect(service.status).toEqual({ loadBalancer: {} });
  expect(service.spec.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
  expect(Object.keys(service.spec)).not.toContain('healthCheckNodePort');
  expect(errors).toEqual(["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"]);
});

test.each<[string, ServiceSpec, (spec: ServiceSpec) => void, string[]]>([
  [
    'another class',
    { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    (spec) => (spec.loadBalancerClass = 'a/c'),
    ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
  ],
  [
    'a class of what is no load balancer, looked at twice',
    {},
    (spec) => (spec.loadBalancerClass = 'a/b'),
    [
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
  ],
  [
    'another port of the health check',
    { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 },
    (spec) => (spec.healthCheckNodePort = 31001),
    ['spec.healthCheckNodePort: Forbidden: field is immutable'],
  ],
  [
    'both families, and so both paths of the first',
    {
      clusterIPs: ['10.96.0.9', 'fd00::9'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    },
    (spec) => Object.assign(spec, { ipFamilies: ['IPv6', 'IPv4'] }),
    [
      'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
      'spec.clusterIPs[1]: Invalid value: "fd00::9": expected an IPv4 value as indicated by `ipFamilies[1]`',
    ],
  ],
  [
    'another family',
    {},
    (spec) => Object.assign(spec, { ipFamilies: ['IPv6'] }),
    [
      'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
  ],
  [
    'one family less',
    { clusterIPs: ['10.96.0.9', 'fd00::9'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' },
    (spec) => Object.assign(spec, { clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'] }),
    [
      `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary clusterIP`,
      `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary ipFamily`,
    ],
  ],
  ['bad addresses that were there before', { externalIPs: ['010.1.1.1'] }, (spec) => (spec.selector = { a: 'b' }), []],
])('update: %s', (_what, before, change, errors) => {
  expect(update(serviceOf(before), change).errors).toEqual(errors);
});

test('status', () => {
  const old = serviceOf({ type: 'LoadBalancer' });
  const check = (status: ServiceStatus): string[] =>
    texts(strategy.validateStatusUpdate!({ ...old, status } as Service, old));
  expect(check({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } })).toEqual([]);
  expect(check({ loadBalancer: { ingress: [{ ip: 'x', ipMode: 'Maybe' }] } })).toEqual([
    'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'status.loadBalancer.ingress[0].ipMode: Unsupported value: "Maybe": supported values: "Proxy", "VIP"',
  ]);
  expect(check({ loadBalancer: { ingress: [{ hostname: '192.0.2.1' }] } })).toEqual([
    'status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address',
  ]);
});

test('a load balancer in a row', () => {
  const at = (ips: readonly string[]): unknown =>
    serviceCells(
      serviceOf({ type: 'LoadBalancer' }, { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } }),
      Date.now(),
    )[3];
  expect(at([])).toBe('<pending>');
  expect(at(['192.0.2.1'])).toBe('192.0.2.1');
  expect(at(['192.0.2.1', '192.0.2.2'])).toBe('192.0.2.1,192.0.2.2');
});

test.each<[ServiceSpec, string[]]>([
  [{}, []],
  [
    { externalIPs: ['198.51.100.1'], trafficDistribution: 'PreferClose' },
    [
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ],
  ],
  [
    { clusterIP: 'None', clusterIPs: ['None'], externalIPs: ['198.51.100.1'], sessionAffinity: 'ClientIP' },
    ['spec.externalIPs is ignored for headless services', 'spec.SessionAffinity is ignored for headless services'],
  ],
  [
    { type: 'ExternalName', externalName: 'x.example', externalIPs: ['198.51.100.1'] },
    ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
  ],
])('warnings of %j', (spec, warnings) => expect(strategy.warnings!(serviceOf(spec))).toEqual(warnings));
