// `portico rules`: what a node's rules are made from, and that only that decides.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { endpoint, service, settings, slice } from './fixtures/objects.ts';
import { type RulesRequest, rulesText } from './offline.ts';
import { proxyModes } from './settings.ts';

const node = (name: string, ...addresses: string[]) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: {},
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});

const objects: readonly KubeObject[] = [
  node('node-a', '172.18.0.2', 'fd00:18::2'),
  node('node-b', '172.18.0.3'),
  service({
    name: 'web',
    type: 'NodePort',
    clusterIPs: ['10.96.0.10', 'fd00:96::10'],
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    sessionAffinity: 'ClientIP',
  }),
  slice('web', [endpoint('10.244.2.1', 'node-b'), endpoint('10.244.1.1', 'node-a')], 'web-1'),
  slice('web', [endpoint('10.244.1.2', 'node-a')], 'web-2'),
  { ...slice('web', [endpoint('fd00:10:244::1', 'node-a')], 'web-6'), addressType: 'IPv6' } as KubeObject,
  service({
    name: 'balanced',
    type: 'LoadBalancer',
    clusterIP: '10.96.0.11',
    vips: ['192.0.2.1'],
    loadBalancerSourceRanges: ['10.0.0.0/8'],
  }),
  slice('balanced', [endpoint('10.244.1.3', 'node-a')], 'balanced-1'),
  service({ name: 'empty', clusterIP: '10.96.0.12' }),
];

const rules = (more: Partial<RulesRequest> = {}) =>
  rulesText({ objects, nodeName: 'node-a', settings, families: ['IPv4', 'IPv6'], ...more });

describe.each(proxyModes)('%s', (mode) => {
  const inMode = { settings: { ...settings, mode } };

  test('the order of the objects does not show', async () => {
    const text = await rules(inMode);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...objects], { minLength: objects.length }), async (shuffled) => {
        expect(await rules({ ...inMode, objects: shuffled })).toBe(text);
      }),
      { numRuns: 20 },
    );
  });

  test('both families, or the one that is asked for', async () => {
    const both = await rules(inMode);
    const [four, six] = await Promise.all([
      rules({ ...inMode, families: ['IPv4'] }),
      rules({ ...inMode, families: ['IPv6'] }),
    ]);
    for (const text of [both, four]) expect(text).toContain('10.244.1.1');
    for (const text of [both, six]) expect(text).toContain('fd00:10:244::1');
    expect(four).not.toContain('fd00:10:244::1');
    expect(six).not.toContain('10.244.1.1');
  });

  test('the mark for masquerading may be any bit of 32', async () => {
    expect(await rules({ settings: { ...settings, mode, masqueradeBit: 0 } })).toMatch(/\b0x0*1\b/);
    expect(await rules({ settings: { ...settings, mode, masqueradeBit: 31 } })).toContain('0x80000000');
  });

  test('addresses of the node are those of its object', async () => {
    const primary = { settings: { ...settings, mode, nodePortAddresses: ['primary'] } };
    expect(await rules(primary)).toContain('172.18.0.2');
    const elsewhere = await rules({ ...primary, nodeName: 'node-b' });
    expect(elsewhere).toContain('172.18.0.3');
    expect(elsewhere).not.toContain('172.18.0.2');
  });
});

test('a node that is not there is missed by name, and the others are named', async () => {
  await expect(rules({ nodeName: 'node-x' })).rejects.toThrow(
    'no Node named "node-x" among the objects: there are node-a, node-b',
  );
  await expect(rules({ objects: [] })).rejects.toThrow('there is none');
});
