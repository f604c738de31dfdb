import { afterEach, expect, test } from 'vitest';
import type { IPAddress, ServiceCIDR } from '../../api/networking/v1/types.generated.ts';
import { ipAddresses, serviceCIDRs } from '../../client/resources.ts';
import { type Harness, startControllers } from '../harness/start.ts';
import { finalizer, reconcileServiceCIDR } from './reconcile.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const deletionTimestamp = '2026-01-01T00:09:55Z';

function cidrOf(name: string, cidrs: string[], going = false): ServiceCIDR {
  const metadata = { name, uid: name, finalizers: [finalizer], ...(going && { deletionTimestamp }) };
  const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
  const conditions = [{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  return { metadata, spec: { cidrs }, status: { conditions } };
}

function addressOf(name: string, managed = true): IPAddress {
  const labels: Record<string, string> = managed ? { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } : {};
  return { metadata: { name, labels }, spec: { parentRef: { resource: 'services', name: 's' } } };
}

const going = cidrOf('going', ['10.0.0.0/24'], true);
const blocked = { ready: { status: 'False', reason: 'Terminating' } };

test.each<[string, ServiceCIDR[], IPAddress[], object]>([
  ['waits a moment when nothing depends on it', [], [], { recheckAfter: 5000 }],
  ['stays while an address depends on it', [], [addressOf('10.0.0.7')], blocked],
  ['does not care for addresses that others made', [], [addressOf('10.0.0.7', false)], { recheckAfter: 5000 }],
  ['does not care for other addresses', [], [addressOf('10.0.1.7')], { recheckAfter: 5000 }],
  [
    'goes when a larger range has its addresses',
    [cidrOf('o', ['10.0.0.0/16'])],
    [addressOf('10.0.0.7')],
    { recheckAfter: 5000 },
  ],
  [
    'goes when another range has the address',
    [cidrOf('o', ['10.0.0.0/28'])],
    [addressOf('10.0.0.7')],
    { recheckAfter: 5000 },
  ],
  ['stays when the other range goes too', [cidrOf('o', ['10.0.0.0/16'], true)], [addressOf('10.0.0.7')], blocked],
])('a range that is being deleted %s', (_what, others, addresses, expected) => {
  expect(reconcileServiceCIDR({ cidr: going, all: [going, ...others], addresses, now })).toMatchObject(expected);
});

test('the finalizer goes when the moment has passed', () => {
  expect(reconcileServiceCIDR({ cidr: going, all: [going], addresses: [], now: now + 5000 })).toEqual({
    finalizers: [],
  });
});

let harness: Harness | undefined;
afterEach(() => harness?.stop());

test('a new range gets its finalizer and is ready; it goes after its last address', async () => {
  harness = startControllers({ names: ['service-cidr-controller'] });
  const { api, clock } = harness;
  const cidrs = api.resource<ServiceCIDR>(serviceCIDRs);
  await cidrs.create({ metadata: { name: 'a' }, spec: { cidrs: ['10.0.0.0/24'] } });
  await harness.settle();
  const ready = { type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' };
  expect(await cidrs.get('a')).toMatchObject({
    metadata: { finalizers: [finalizer] },
    status: { conditions: [ready] },
  });
  await api.resource<IPAddress>(ipAddresses).create(addressOf('10.0.0.7'));
  await harness.settle();
  await cidrs.delete('a');
  await harness.settle();
  expect(await cidrs.get('a')).toMatchObject({ status: { conditions: [{ status: 'False', reason: 'Terminating' }] } });
  await api.resource(ipAddresses).delete('10.0.0.7');
  await harness.settle();
  clock.advance(11_000);
  await harness.settle();
  expect((await cidrs.list()).items).toEqual([]);
  expect(harness.errors).toEqual([]);
});
