import { describe, expect, test } from 'vitest';
import type { EndpointSubset, Endpoints } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { deepFreeze } from '../../client/deep-freeze.ts';
import { reconcile } from './reconcile.ts';

/** Subsets as `port: addresses`, those that are not ready with an exclamation mark. */
function byHand(subsets: readonly (readonly [port: number, addresses: string])[]): Endpoints {
  const toSubset = ([port, addresses]: readonly [number, string]): EndpointSubset => {
    const all = addresses.split(' ');
    return {
      ports: [{ port, protocol: 'TCP' }],
      addresses: all.filter((ip) => !ip.startsWith('!')).map((ip) => ({ ip })),
      notReadyAddresses: all.filter((ip) => ip.startsWith('!')).map((ip) => ({ ip: ip.slice(1) })),
    };
  };
  return deepFreeze({ metadata: { name: 'web', namespace: 'default', uid: 'u1' }, subsets: subsets.map(toSubset) });
}

/** The slices that are there after a first reconciliation. */
function mirrored(endpoints: Endpoints): EndpointSlice[] {
  const { create } = reconcile(endpoints, []);
  return create.map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `web-${i}` } }));
}

const told = (slices: readonly Readonly<EndpointSlice>[]) =>
  slices.map(({ addressType, ports, endpoints }) => {
    const addresses = (endpoints ?? []).map((e) => `${e.conditions?.ready ? '' : '!'}${e.addresses[0]}`);
    return `${addressType} ${ports?.map(({ port }) => port)} ${addresses.join(' ')}`;
  });
const writes = ({ create, update, delete: gone }: ReturnType<typeof reconcile>) => [
  create.length,
  update.length,
  gone.length,
];

describe('what is mirrored', () => {
  test.each<[string, [number, string][], string[], string[]]>([
    ['families apart', [[80, '10.0.0.1 fd00::1']], ['IPv4 80 10.0.0.1', 'IPv6 80 fd00::1'], []],
    [
      'subsets with the same ports together',
      [
        [80, '10.0.0.1'],
        [80, '!10.0.0.2'],
      ],
      ['IPv4 80 10.0.0.1 !10.0.0.2'],
      [],
    ],
    [
      'an address that is there twice once, as it is last',
      [[80, '10.0.0.1 10.0.0.1 !10.0.0.1']],
      ['IPv4 80 !10.0.0.1'],
      [],
    ],
    [
      'addresses in their canonical form',
      [[80, '010.0.0.1 ::ffff:10.0.0.2 FD00::0:1']],
      ['IPv4 80 10.0.0.1 10.0.0.2', 'IPv6 80 fd00::1'],
      [],
    ],
    [
      'not what is no address; the count is of all subsets',
      [
        [80, 'x 10.0.0.1'],
        [81, 'y z'],
      ],
      ['IPv4 80 10.0.0.1'],
      ['Skipped 3 invalid IP addresses when mirroring to EndpointSlices'],
    ],
  ])('%s', (_what, subsets, slices, messages) => {
    const { create, warnings } = reconcile(byHand(subsets), []);
    expect(told(create)).toEqual(slices);
    expect(warnings.map(({ message }) => message)).toEqual(messages);
  });

  test('a thousand addresses of each subset; beyond them nobody looks, and one warning counts all', () => {
    const many = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => `10.${first}.${i >> 8}.${i & 255}`).join(' ');
    const endpoints = byHand([
      [80, `bad ${many(1, 1002)} worse`],
      [81, many(2, 1001)],
    ]);
    const { create, warnings } = reconcile(endpoints, []);
    expect(create.map((slice) => slice.endpoints?.length)).toEqual([1000, 1000]);
    expect(warnings).toEqual([
      { reason: 'InvalidIPAddress', message: 'Skipped 1 invalid IP addresses when mirroring to EndpointSlices' },
      {
        reason: 'TooManyAddressesToMirror',
        message:
          'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 5 addresses were skipped',
      },
    ]);
  });

  test('a thousand addresses of subsets with the same ports: more are not allowed in a slice', () => {
    const many = (first: number) => Array.from({ length: 600 }, (_, i) => `10.${first}.${i >> 8}.${i & 255}`).join(' ');
    const endpoints = byHand([
      [80, many(1)],
      [80, many(2)],
    ]);
    const slices = mirrored(endpoints);
    expect(slices.map((slice) => slice.endpoints?.length)).toEqual([1000]);
    expect(writes(reconcile(endpoints, slices))).toEqual([0, 0, 0]);
  });

  test('the name of the longest Endpoints takes no dash', () => {
    const { subsets = [] } = byHand([[80, '10.0.0.1']]);
    const prefix = (length: number) =>
      reconcile({ metadata: { name: 'w'.repeat(length) }, subsets }, []).create[0]?.metadata.generateName?.length;
    expect([prefix(252), prefix(253)]).toEqual([253, 253]);
  });
});

describe('what is written', () => {
  const two = byHand([[80, '10.0.0.1 10.0.0.2']]);

  test('nothing where only the order differs', () => {
    const [slice] = mirrored(two);
    const turned = { ...slice, endpoints: slice?.endpoints?.toReversed() } as EndpointSlice;
    expect(writes(reconcile(two, [turned]))).toEqual([0, 0, 0]);
  });

  test('a slice whose ports are no longer there is used for others of its family', () => {
    const changed = byHand([[81, '10.0.0.1 fd00::1']]);
    const mirroring = reconcile(changed, mirrored(two));
    expect(writes(mirroring)).toEqual([1, 1, 0]);
    expect(told(mirroring.update)).toEqual(['IPv4 81 10.0.0.1']);
    expect(mirroring.update[0]?.metadata.name).toBe('web-0');
  });

  test('a second slice of the same ports goes', () => {
    const [slice] = mirrored(two);
    const second = { ...slice, metadata: { ...slice?.metadata, name: 'web-9' } } as EndpointSlice;
    const mirroring = reconcile(two, [...mirrored(two), second]);
    expect([writes(mirroring), mirroring.delete[0]?.metadata.name]).toEqual([[0, 0, 1], 'web-9']);
  });

  test('slices of Endpoints of that name that are gone are taken over', () => {
    const reborn = { ...two, metadata: { ...two.metadata, uid: 'u2' } };
    const mirroring = reconcile(reborn, mirrored(two));
    expect(writes(mirroring)).toEqual([0, 1, 0]);
    expect(mirroring.update[0]?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['u2']);
  });

  test('figures for those who count', () => {
    const [slice] = mirrored(two);
    const [first, second] = slice?.endpoints ?? [];
    const older = {
      ...slice,
      endpoints: [
        { ...first, nodeName: 'n' },
        { ...second, addresses: ['10.0.0.9'] },
      ],
    };
    const figures = { updated: 1, added: 1, removed: 1, skipped: 0, groups: [{ endpoints: 2, slices: 1 }] };
    expect(reconcile(two, [older as EndpointSlice]).figures).toEqual(figures);
    const more = byHand([
      [80, '10.0.0.1 bad'],
      [81, 'fd00::1 10.0.0.1'],
    ]);
    expect(reconcile(more, []).figures).toMatchObject({ added: 3, skipped: 1, groups: [{}, {}, {}] });
  });

  test('nothing new for Endpoints that are being deleted', () => {
    const going = { ...two, metadata: { ...two.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(writes(reconcile(going, []))).toEqual([0, 0, 0]);
    expect(writes(reconcile({ ...going, subsets: [] }, mirrored(two)))).toEqual([0, 0, 1]);
  });
});
