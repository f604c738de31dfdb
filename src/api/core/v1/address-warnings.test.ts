import { expect, test } from 'vitest';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { judgeOf } from '../../../testing/refusals.ts';
import { builtinResources } from '../../registry.ts';

const odd = 'fd00:0::1';
const warning = (path: string): string =>
  `${path}: IPv6 address "fd00:0::1" should be in RFC 5952 canonical format ("fd00::1")`;

test.each([
  [
    'pods',
    { podIPs: [{ ip: '10.0.0.1' }, { ip: odd }], hostIPs: [{ ip: odd }] },
    [warning('status.podIPs[1].ip'), warning('status.hostIPs[0].ip')],
  ],
  [
    'services',
    { loadBalancer: { ingress: [{ hostname: 'x.example' }, { ip: odd }] } },
    [warning('status.loadBalancer.ingress[1]')],
  ],
  ['pods', {}, []],
  ['services', {}, []],
])('addresses in the status of %s: %j', (resource, status, warnings) => {
  const { strategy } = builtinResources().find((one) => one.resource === resource && one.group === '')!;
  const object: KubeObject & { status: unknown } = { metadata: { name: 'x' }, status };
  expect(strategy.statusWarnings!(object)).toEqual(warnings);
});

test('addresses of Endpoints', () => {
  const subsets = [{ addresses: [{ ip: odd }], notReadyAddresses: [{ ip: '10.0.0.1' }, { ip: odd }] }];
  const { warnings } = judgeOf('endpoints');
  expect(warnings({ subsets })).toEqual([
    warning('subsets[0].addresses[0].ip'),
    warning('subsets[0].notReadyAddresses[1].ip'),
  ]);
  const labels = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };
  expect(warnings({ metadata: { name: 'x', labels }, subsets })).toEqual([]);
});
