import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import type { Lease } from '../api/coordination/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { formatMicroTime } from '../apimachinery/time.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { leases as leaseResource } from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { keepServerIdentity, leaseName } from './server-identity.ts';

test('the name is kube-apiserver’s, where the port is', () => {
  // As k8s.io/apiserver names the server of the host `vm`.
  expect(leaseName('vm', 6443)).toBe('apiserver-wlv32tlttr4jl3gtroqexyxapa');
  expect(leaseName('vm', 6444)).not.toBe(leaseName('vm', 6443));
});

test('a server renews its Lease, and removes those that nobody renews', async () => {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const client = new FakeApi({ clock, random });
  const leases = client.resource<KubeObject & Lease>(leaseResource);
  const name = leaseName(hostname(), 6443);
  const other = (label: string, seconds: number) => ({
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    metadata: { name: `${label}-${seconds}`, namespace: 'kube-system', labels: { [label]: 'kube-apiserver' } },
    spec: { renewTime: formatMicroTime(clock.now()), leaseDurationSeconds: seconds },
  });
  const identity = 'apiserver.kubernetes.io/identity';
  for (const one of [other(identity, 3500), other(identity, 7200), other('else', 1)]) await leases.create(one);
  const stop = new AbortController();
  const address = { host: '127.0.0.1', port: 6443 };
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const running = keepServerIdentity({ client, address, clock, random, onError }, stop.signal);
  await settle();
  const first = await leases.get(name, 'kube-system');
  expect(first.metadata.labels).toEqual({ [identity]: 'kube-apiserver', 'kubernetes.io/hostname': hostname() });
  expect(first.spec).toMatchObject({ leaseDurationSeconds: 3600, renewTime: formatMicroTime(clock.now()) });
  expect(first.spec?.holderIdentity).toMatch(new RegExp(`^${name}_.`));
  clock.advance(10_000);
  await settle();
  const second = await leases.get(name, 'kube-system');
  expect(second.spec).toEqual({ ...first.spec, renewTime: formatMicroTime(clock.now()) });
  clock.advance(3_600_000);
  await settle();
  const left = await leases.list({ namespace: 'kube-system' });
  expect(left.items.map(({ metadata }) => metadata.name).sort()).toEqual([
    ...[`${identity}-7200`, name, 'else-1'].sort(),
  ]);
  stop.abort();
  await running;
  expect(errors).toEqual([]);
});
