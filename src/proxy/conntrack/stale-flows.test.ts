import { describe, expect, test } from 'vitest';
import { parseFlows, staleFlows, type UdpPort } from './stale-flows.ts';

const line = (destination: string, port: number, reply: string) =>
  `udp      17 29 src=10.244.1.9 dst=${destination} sport=40000 dport=${port} src=${reply} dst=10.244.1.9 sport=5353 dport=40000 mark=0 use=1\n`;

const dns: UdpPort = {
  addresses: ['10.96.0.10', '192.0.2.1'],
  port: 53,
  nodePort: 30053,
  serving: ['10.244.1.1:5353'],
};

const nodeAddresses = ['172.18.0.2'];
const stale = (text: string, ports: readonly UdpPort[], gone: readonly UdpPort[] = []) =>
  staleFlows(parseFlows(text), { ports, gone, nodeAddresses }).map(
    (flow) => `${flow.destination}:${flow.destinationPort} ${flow.replySource}`,
  );

describe('flows', () => {
  test.each([
    ['to the cluster IP', '10.96.0.10', 53],
    ['to an external IP', '192.0.2.1', 53],
    ['to the node port of any address', '172.18.0.2', 30053],
  ])('%s end when their endpoint is gone', (_, destination, port) => {
    expect(stale(line(destination, port, '10.244.1.2'), [dns])).toEqual([`${destination}:${port} 10.244.1.2`]);
    expect(stale(line(destination, port, '10.244.1.1'), [dns])).toEqual([]);
  });

  test('to no Service stay', () => {
    expect(stale(line('10.96.0.10', 54, '10.244.1.2') + line('8.8.8.8', 53, '8.8.8.8'), [dns])).toEqual([]);
  });

  test('end when nobody serves any more: packets of new ones are refused', () => {
    const text = line('10.96.0.10', 53, '10.244.1.1');
    expect(stale(text, [{ ...dns, serving: [] }])).toHaveLength(1);
    expect(stale(text, [dns])).toEqual([]);
  });

  test('that were never translated end when an endpoint comes', () => {
    expect(stale(line('10.96.0.10', 53, '10.96.0.10'), [dns])).toHaveLength(1);
  });

  test('to a port that is gone end, unless another has its address', () => {
    const text = line('10.96.0.10', 53, '10.244.1.1');
    expect(stale(text, [], [dns])).toHaveLength(1);
    expect(stale(text, [{ ...dns }], [dns])).toEqual([]);
  });

  test('to an address that the Service lost end, those to the ones it kept stay', () => {
    const now = { ...dns, addresses: ['10.96.0.10'], nodePort: undefined };
    const text = (['10.96.0.10', '192.0.2.1'] as const).map((to) => line(to, 53, '10.244.1.1')).join('');
    expect(stale(text, [now], [dns])).toEqual(['192.0.2.1:53 10.244.1.1']);
    expect(stale(line('172.18.0.2', 30053, '10.244.1.1'), [now], [dns])).toHaveLength(1);
  });

  test('of other machines that happen to use the number of a node port stay', () => {
    expect(stale(line('8.8.8.8', 30053, '8.8.8.8'), [dns])).toEqual([]);
    expect(stale(line('172.18.0.2', 30053, '172.18.0.2'), [dns])).toHaveLength(1);
  });
});
