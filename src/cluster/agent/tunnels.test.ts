import { expect, test } from 'vitest';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { serverUrls } from './tunnels.ts';

function slice(addressType: string, addresses: readonly string[], service = 'kubernetes'): EndpointSlice {
  return {
    metadata: { name: service, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType,
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  };
}

test.each([
  ['none', [], []],
  ['two', [slice('IPv4', ['10.0.0.1', '10.0.0.2'])], ['https://10.0.0.1:6443', 'https://10.0.0.2:6443']],
  ['IPv6', [slice('IPv6', ['fd00::1'])], ['https://[fd00::1]:6443']],
  ['of another Service', [slice('IPv4', ['10.0.0.1'], 'web')], []],
  ['without the port', [{ ...slice('IPv4', ['10.0.0.1']), ports: [] }], []],
])('servers: %s', (_, slices, expected) => {
  expect(serverUrls(slices)).toEqual(expected);
});
