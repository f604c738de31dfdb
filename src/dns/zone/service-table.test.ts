import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressText, compactAddress } from './compact-address.ts';
import { ServiceTable } from './service-table.ts';

test('addresses come back as they went in', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      expect(addressText(compactAddress(text))).toBe(text);
    }),
  );
  for (const text of ['0.0.0.0', '255.255.255.255', '128.0.0.1', '010.0.0.1', '::ffff:10.0.0.1']) {
    expect(addressText(compactAddress(text))).toBe(text);
  }
});

test('a Service is found by its name and by each of its ClusterIPs, until they change hands', () => {
  const table = new ServiceTable();
  const ports = [{ name: 'dns', protocol: 'UDP', port: 53 }];
  const service = (name: string, ...clusterIPs: string[]) => ({
    metadata: { name, namespace: 'demo' },
    spec: { clusterIPs, ports },
  });
  table.set(service('dual', '200.96.0.1', 'fd00:96::1'));
  table.set(service('single', '10.96.0.2'));
  table.set({
    metadata: { name: 'out', namespace: 'demo' },
    spec: { type: 'ExternalName', externalName: 'a.example' },
  });
  expect(table.get('demo/dual')).toEqual({
    namespace: 'demo',
    name: 'dual',
    kind: 'cluster-ip',
    addresses: ['200.96.0.1', 'fd00:96::1'],
    ports: [{ name: 'dns', protocol: 'udp', port: 53 }],
    externalName: '',
  });
  expect(table.get('demo/out')).toMatchObject({ kind: 'external-name', addresses: [], externalName: 'a.example' });
  expect(table.ofClusterIP('200.96.0.1')?.name).toBe('dual');
  expect(table.ofClusterIP('fd00:96::1')?.name).toBe('dual');
  table.set(service('dual', '10.96.0.2'));
  table.delete('demo/single');
  expect(table.ofClusterIP('10.96.0.2')?.name).toBe('dual');
  expect(table.ofClusterIP('fd00:96::1')).toBeUndefined();
  expect(table.get('demo/single')).toBeUndefined();
});
