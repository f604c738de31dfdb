// What is read from EndpointSlices (service-semantics 3.1).
import { describe, expect, test } from 'vitest';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { endpointsOf, endpointText } from './endpoint.ts';
import { endpoint, service, slice } from './fixtures/objects.ts';
import { servicePorts } from './service-port.ts';

const [http] = servicePorts(service({ name: 'web' }), 'IPv4');
const read = (...slices: EndpointSlice[]) => endpointsOf(http!, slices, 'node-a');
const texts = (...slices: EndpointSlice[]) => read(...slices).map(endpointText);

describe('conditions', () => {
  test.each([
    [undefined, [true, true, false]],
    [{}, [true, true, false]],
    [{ ready: false, serving: true, terminating: true }, [false, true, true]],
    [{ ready: false }, [false, true, false]],
    [{ ready: true, serving: false }, [true, false, false]],
  ])('%j', (conditions, expected) => {
    const [found] = read(slice('web', [{ addresses: ['10.244.1.1'], ...(conditions && { conditions }) }]));
    expect([found?.ready, found?.serving, found?.terminating]).toEqual(expected);
  });
});

describe('which endpoints', () => {
  test('local ones are those of the node of this name', () => {
    const found = read(
      slice('web', [
        endpoint('10.244.1.1', 'node-a'),
        endpoint('10.244.1.2', 'node-b'),
        { addresses: ['10.244.1.3'], conditions: { ready: true } },
      ]),
    );
    expect(found.map(({ local }) => local)).toEqual([true, false, false]);
  });

  test('the first address counts, an endpoint without one does not', () => {
    const both = { ...endpoint('10.244.1.1', 'node-a'), addresses: ['10.244.1.1', '10.244.1.2'] };
    expect(texts(slice('web', [both, { addresses: [] }]))).toEqual(['10.244.1.1:8080']);
  });

  test('sorted by their text', () => {
    const addresses = ['10.244.1.10', '10.244.1.9', '10.244.1.1'];
    expect(
      texts(
        slice(
          'web',
          addresses.map((address) => endpoint(address, 'node-a')),
        ),
      ),
    ).toEqual(['10.244.1.10:8080', '10.244.1.1:8080', '10.244.1.9:8080']);
  });

  test('hints of zones and of nodes', () => {
    const hints = { forZones: [{ name: 'zone-1' }, { name: 'zone-2' }], forNodes: [{ name: 'node-b' }] };
    expect(read(slice('web', [endpoint('10.244.1.1', 'node-b', { hints })]))).toMatchObject([
      { zoneHints: ['zone-1', 'zone-2'], nodeHints: ['node-b'] },
    ]);
  });
});

describe('which ports', () => {
  const one = endpoint('10.244.1.1', 'node-a');
  const withPorts = (ports: EndpointSlice['ports']) => texts({ ...slice('web', [one]), ...(ports && { ports }) });

  test.each<[string, EndpointSlice['ports'], string[]]>([
    ['of the same name and protocol', [{ name: 'http', port: 9090, protocol: 'TCP' }], ['10.244.1.1:9090']],
    ['TCP when it is not said', [{ name: 'http', port: 9090 }], ['10.244.1.1:9090']],
    ['not of another name', [{ name: 'https', port: 9090 }], []],
    ['not of another protocol', [{ name: 'http', port: 9090, protocol: 'UDP' }], []],
    ['not without a number', [{ name: 'http' }, { name: 'http', port: 0 }], []],
    ['none', undefined, ['10.244.1.1:8080']],
    [
      'several that the name stands for',
      [
        { name: 'http', port: 9090 },
        { name: 'http', port: 9091 },
      ],
      ['10.244.1.1:9090', '10.244.1.1:9091'],
    ],
  ])('%s', (_, ports, expected) => {
    expect(withPorts(ports)).toEqual(expected);
  });

  test('a port without a name is that of a Service whose port has none', () => {
    const [unnamed] = servicePorts(service({ name: 'web', ports: [{ port: 80 }] }), 'IPv4');
    const unnamedSlice = { ...slice('web', [one]), ports: [{ port: 8080 }] };
    expect(endpointsOf(unnamed!, [unnamedSlice], 'node-a')).toHaveLength(1);
    expect(endpointsOf(unnamed!, [slice('web', [one])], 'node-a')).toEqual([]);
  });
});

describe('several slices', () => {
  test('of the family only', () => {
    const six = { ...slice('web', [endpoint('FD00::1', 'node-a')]), addressType: 'IPv6' };
    const names = { ...slice('web', [endpoint('a.example', 'node-a')]), addressType: 'FQDN' };
    expect(texts(six, names, slice('web', [endpoint('10.244.1.1', 'node-a')]))).toEqual(['10.244.1.1:8080']);
    const [overSix] = servicePorts(service({ name: 'web', clusterIP: 'fd00:96::1' }), 'IPv6');
    expect(endpointsOf(overSix!, [six], 'node-a').map(endpointText)).toEqual(['[fd00::1]:8080']);
  });

  test.each([
    ['a running one before one that ends', { ready: true }, { ready: false, terminating: true }],
    ['even one not ready yet', { ready: false, serving: false }, { ready: false, serving: true, terminating: true }],
    ['a ready one before one that is not', { ready: true }, { ready: false, serving: false }],
    [
      'of two that end the one that serves',
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: false, terminating: true },
    ],
  ])('that both have an endpoint: %s, in either order', (_, better, worse) => {
    const [chosen, other] = [better, worse].map((conditions) =>
      slice('web', [endpoint('10.244.1.1', 'node-a', { conditions })]),
    );
    for (const slices of [
      [chosen!, other!],
      [other!, chosen!],
    ]) {
      expect(read(...slices)).toMatchObject([{ ip: '10.244.1.1', ...better }]);
    }
  });
});
