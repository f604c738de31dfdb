import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { From } from '../trace/ends.ts';
import type { Trace } from '../trace/trace.ts';
import { matchesOf } from './matches.ts';

const node = {
  kind: 'Node',
  metadata: { name: 'a' },
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
} as KubeObject;

const sourcesOf = (from: From, address: string) => {
  const trace = {
    from: { text: '', address, node: 'a' },
    outcomes: [
      { destination: '10.244.0.7:80', source: '10.244.0.1', hops: [] },
      { destination: '10.244.1.7:80', source: address, hops: [] },
    ],
  } as unknown as Trace;
  const to = { host: '10.96.0.9', port: 80, protocol: 'tcp' } as const;
  return matchesOf({ objects: [node], trace, from, to, sourcePort: 23_000 }, 'a').map(({ sources }) => sources);
};

test("a node's packets may have any of its addresses, the bridge's and that which they are for; so may those of its pods on the host", () => {
  const any = [['172.30.0.11', '10.96.0.9', '10.244.0.1']];
  expect(sourcesOf({ kind: 'node', name: 'a' }, '172.30.0.11')).toEqual(any);
  expect(sourcesOf({ kind: 'pod', namespace: 'd', name: 'h' }, '172.30.0.11')).toEqual(any);
  expect(sourcesOf({ kind: 'pod', namespace: 'd', name: 'p' }, '10.244.0.5')).toEqual([['10.244.0.5']]);
});
