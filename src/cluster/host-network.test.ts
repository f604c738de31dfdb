import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { egressRules, planHostNetwork, restoreForwarding } from './host-network.ts';
import { bridgeName, networkLayout } from './layout.ts';

const layout = networkLayout({ name: 'portico', index: 0, nodes: 1 });
const nothing = {
  links: new Set<string>(),
  namespaces: new Set<string>(),
  holders: new Map<string, number>(),
  ipv6: true,
};

test('from nothing, a bridge with both families, a namespace and a link', () => {
  expect(planHostNetwork(layout, nothing)).toEqual([
    'link add portico0 type bridge',
    'addr replace 172.30.0.1/24 dev portico0',
    'addr replace fd00:172:30::1/64 dev portico0 nodad',
    'link set portico0 up',
    'netns add portico-portico-node-1',
    'link add pt0-node-1 type veth peer name eth0 netns portico-portico-node-1',
    'link set pt0-node-1 master portico0 up',
  ]);
});

test('what is there is not made again, but made to be as it should', () => {
  const whole = {
    links: new Set(['portico0', 'pt0-node-1']),
    namespaces: new Set(['portico-portico-node-1']),
    holders: new Map([['portico-portico-node-1', 4711]]),
    ipv6: false,
  };
  const bridge = ['addr replace 172.30.0.1/24 dev portico0', 'link set portico0 up'];
  expect(planHostNetwork(layout, whole)).toEqual([...bridge, 'link set pt0-node-1 master portico0 up']);
  expect(planHostNetwork(layout, { ...whole, links: new Set(['portico0']) })).toEqual([
    ...bridge,
    'link add pt0-node-1 type veth peer name eth0 netns portico-portico-node-1',
    'link set pt0-node-1 master portico0 up',
  ]);
  // `ip netns delete` takes the name; the namespace goes on with its processes.
  expect(planHostNetwork(layout, { ...whole, namespaces: new Set() })).toEqual([
    ...bridge,
    'netns attach portico-portico-node-1 4711',
    'link set pt0-node-1 master portico0 up',
  ]);
});

test('bridges keep within the 15 characters that links may have, and differ where names do', () => {
  const long = ['a-cluster-with-a-long-name', 'a-cluster-with-a-long-game'].map(bridgeName);
  for (const name of long) expect(name.length).toBeLessThanOrEqual(15);
  expect(new Set(long).size).toBe(2);
  expect(bridgeName('dev')).toBe('pt-dev');
});

test('closed egress drops what leaves the bridge, open egress masquerades it', () => {
  expect(egressRules('portico-x', layout, false)).toContain('iifname "portico0" oifname != "portico0" drop');
  expect(egressRules('portico-x', layout, true)).toContain('ip saddr 172.30.0.0/24 oifname != "portico0" masquerade');
});

test('what forwarding was before the first cluster is known to the last', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'forwarding-'));
  const [first, last] = [join(folder, 'first'), join(folder, 'last')];
  for (const one of [first, last]) await mkdir(one);
  await writeFile(`${first}/ip_forward`, '0');
  await restoreForwarding(first, last);
  expect(await readFile(`${last}/ip_forward`, 'utf8')).toBe('0');
  await rm(folder, { recursive: true });
});
