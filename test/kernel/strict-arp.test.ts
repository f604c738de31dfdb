// Who answers ARP for the address of a load balancer that every node of the ipvs mode has on kube-ipvs0.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sysctlsOf } from '../../src/proxy/ipvs/sysctls.ts';
import { TestNamespace } from './netns.ts';

const address = '192.0.2.77';
let node: TestNamespace;
let client: TestNamespace;

beforeEach(() => {
  node = new TestNamespace('arpnode');
  client = new TestNamespace('arpask');
});
afterEach(() => {
  node.close();
  client.close();
});

/** Whether the client finds a neighbour for the address. */
async function isAnswered(): Promise<boolean> {
  client.run('ip neigh flush all');
  await client.exec.run(['ping', '-c', '1', '-W', '5', address]);
  return client.run(`ip -4 neigh show ${address}`).includes('lladdr');
}

test('with strict ARP only the node that announces an address answers for it', async () => {
  node.run(`ip link add eth0 type veth peer name eth0 netns ${client.name}`);
  for (const [one, own] of [
    [node, '192.0.2.1'],
    [client, '192.0.2.2'],
  ] as const) {
    one.run(`ip address add ${own}/24 dev eth0`);
    one.run('ip link set eth0 up');
  }
  // A bridge without ports stands in for the dummy link, which not every kernel has.
  node.run('ip link add kube-ipvs0 type bridge');
  node.run(`ip address add ${address}/32 dev kube-ipvs0`);
  await expect.poll(isAnswered, { timeout: 300_000 }).toBe(true);
  for (const setting of sysctlsOf({ strictARP: true }, '6.1.0').filter((one) => one.includes('.arp_')))
    node.run(`sysctl -qw ${setting}`);
  expect(await isAnswered()).toBe(false);
  // What the announcer does on the node that was chosen.
  node.run(`ip address add ${address}/32 dev eth0`);
  await expect.poll(isAnswered, { timeout: 300_000 }).toBe(true);
});
