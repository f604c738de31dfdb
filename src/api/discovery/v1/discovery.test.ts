import { expect, test } from 'vitest';
import { type Body, judgeOf, prepared } from '../../../testing/refusals.ts';
import { builtinResources } from '../../registry.ts';

const slice = (addressType: string, address: string, more: Body = {}) => ({
  addressType,
  endpoints: [{ addresses: [address] }],
  ports: [],
  ...more,
});
const at = 'endpoints[0].addresses[0]';

test.each<[string, Body, string[]]>([
  ['a name', slice('FQDN', 'a.example.com.'), []],
  [
    'a name of one label',
    slice('FQDN', 'a'),
    [`${at}: Invalid value: "a": should be a domain with at least two segments separated by dots`],
  ],
  ['no name', slice('FQDN', ''), [`${at}: Required value`]],
  [
    'ports come before endpoints, as recorded',
    slice('IPv4', '127.0.0.1', { ports: [{ protocol: '' }] }),
    [
      'ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"',
      `${at}: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)`,
    ],
  ],
])('%s', (_what, body, messages) => expect(judgeOf('endpointslices').create(body)).toEqual(messages));

test.each<[string, Body, number]>([
  ['annotations', { metadata: { name: 'x', annotations: { a: 'b' }, generation: 1 } }, 1],
  ['labels', { metadata: { name: 'x', labels: { a: 'b' }, generation: 1 } }, 2],
  ['endpoints', { endpoints: [] }, 2],
])('a change of %s is counted, or not', (_what, change, generation) => {
  const old = prepared('endpointslices', slice('IPv4', '10.0.0.1'));
  const object = { ...structuredClone(old), ...change };
  builtinResources().find(({ resource }) => resource === 'endpointslices')!.strategy.prepareForUpdate!(object, old);
  expect(object.metadata.generation).toBe(generation);
});

test('names, and addresses in another form than the canonical one, are told of', () => {
  const { warnings } = judgeOf('endpointslices');
  expect(warnings(slice('FQDN', 'a.example.com'))).toEqual(['spec.addressType: FQDN endpoints are deprecated']);
  const odd = slice('IPv6', 'FD00::1');
  expect(warnings(odd)).toEqual([`${at}: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")`]);
  const labels = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' };
  expect(warnings({ ...odd, metadata: { labels } })).toEqual([]);
});

test('the topology of before is not kept of endpoints that change', () => {
  const { strategy } = builtinResources().find(({ resource }) => resource === 'endpointslices')!;
  const endpoint = { addresses: ['10.1.2.3'], deprecatedTopology: { x: 'y' } };
  const made = prepared('endpointslices', { addressType: 'IPv4', endpoints: [endpoint] });
  expect(made.endpoints).toEqual([{ addresses: ['10.1.2.3'], conditions: {} }]);
  const old = { ...made, endpoints: [endpoint] };
  const update = (endpoints: unknown) => {
    const object = { ...structuredClone(old), endpoints };
    strategy.prepareForUpdate?.(object, old);
    return object.endpoints;
  };
  expect(update([{ ...endpoint }])).toEqual([endpoint]);
  expect(update([{ ...endpoint, nodeName: 'a' }])).toEqual([{ addresses: ['10.1.2.3'], nodeName: 'a' }]);
});
