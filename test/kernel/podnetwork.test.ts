// What packets of pods do: over routes within a segment, over VXLAN between segments, with real CNI plugins.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import { ignoreNotFound } from '../../src/apimachinery/status.ts';
import { nodes } from '../../src/client/resources.ts';
import { vtepAnnotation } from '../../src/podnetwork/vxlan.ts';
import { realClock } from '../../src/system/real/clock.ts';
import type { TestNamespace } from './netns.ts';
import { type LabNode, type LabPod, NodeLab } from './node-lab.ts';
import { until } from './running-proxy.ts';

/** Whether an echo of so many bytes comes back, unfragmented; IP and ICMP take 28 bytes more, with IPv6 48. */
async function echoes(from: TestNamespace, address: string, size = 56): Promise<boolean> {
  const options = ['-n', '-c', '1', '-W', '2', '-M', 'do', '-s', String(size)];
  return (await from.exec.run(['ping', ...options, address])).code === 0;
}

/** Asks until an echo comes back: a change is on its way. Where there is no route the answer is no at once. */
async function untilEcho(from: TestNamespace, address: string, size?: number): Promise<void> {
  const deadline = Date.now() + 300_000;
  while (!(await echoes(from, address, size))) {
    if (Date.now() > deadline) throw new Error(`no echo from ${address}`);
    await realClock.sleep(10);
  }
}

/** Whom a server there takes the sender for. */
async function seenAs(from: TestNamespace, server: TestNamespace, address: string): Promise<string> {
  const serve = `
const s = require('node:net').createServer((c) => { c.end(c.remoteAddress); });
s.listen({ port: 0, host: '${address}' }, () => console.log(s.address().port));`;
  const child = server.start([process.execPath, '-e', serve]);
  const port = await new Promise<string>((resolve) => child.stdout?.once('data', (d) => resolve(String(d).trim())));
  const ask = `
const c = require('node:net').connect({ host: '${address}', port: ${port} });
c.setTimeout(60000, () => process.exit(1)); c.pipe(process.stdout);`;
  const [program = '', ...args] = from.inside([process.execPath, '-e', ask]);
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  child.kill('SIGKILL');
  return stdout;
}

function links(space: TestNamespace): string {
  return space.run('ip -o link');
}

function routesOf(space: TestNamespace): string {
  return space.run('ip route') + space.run('ip -6 route');
}

describe('two segments', () => {
  let lab: NodeLab;
  let [a, b, c]: LabNode[] = [];
  const pods: LabPod[] = [];

  beforeAll(async () => {
    lab = new NodeLab('net', 3);
    // A service outside of the cluster.
    lab.router.run('ip addr add 192.0.2.1/32 dev lo');
    lab.router.run('ip addr add 2001:db8::1/128 dev lo');
    a = await lab.addNode({ name: 'a', number: 11, segment: 1 });
    b = await lab.addNode({ name: 'b', number: 12, segment: 1 });
    const before = [a.mtu, b.mtu];
    expect(before).toEqual([1500, 1500]);
    c = await lab.addNode({ name: 'c', number: 13, segment: 2 });
    await until(() => [a, b, c].every((node) => node?.mtu === 1450), 'room for the tunnel in the MTU');
    const others = (name: string) => ['11', '12', '13'].filter((n) => n !== { a: '11', b: '12', c: '13' }[name]);
    for (const node of [a, b, c]) {
      const routes = () => routesOf(node!.space);
      const has = (n: string) => routes().includes(`10.244.${n}.0/24`) && routes().includes(`fd00:10:244:${n}::/64`);
      await until(() => others(node!.name).every(has), `the routes of ${node!.name}`);
    }
    for (const node of [a, b, c]) for (const n of [1, 2]) pods.push(node.addPod(`${node.name}${n}`));
  });
  afterAll(async () => lab?.close());

  test('every pod reaches every other and itself, in both families, with as much as fits', async () => {
    for (const from of pods) {
      for (const to of pods) {
        // 1,450 bytes fill the path; one more does not pass, and is not cut to pieces in silence either.
        for (const [i, ip] of to.ips.entries()) await untilEcho(from.space, ip, i === 0 ? 1422 : 1402);
      }
    }
    expect(await echoes(pods[0]!.space, pods[5]!.ips[0]!, 1423)).toBe(false);
  });

  test('nodes reach pods everywhere, and pods reach nodes everywhere', async () => {
    for (const node of [a, b, c]) {
      for (const pod of pods) {
        for (const ip of pod.ips) await untilEcho(node!.space, ip, 1300);
        for (const ip of node!.ips) await untilEcho(pod.space, ip, 1300);
      }
    }
  });

  test('only the pair that shares no link uses the tunnel', () => {
    expect(a!.space.run('ip route')).toMatch(/10\.244\.12\.0\/24 via 172\.30\.1\.12 dev eth0/);
    expect(a!.space.run('ip route')).toMatch(/10\.244\.13\.0\/24 via 10\.244\.13\.0 dev portico\.vxlan/);
    expect(a!.space.run('ip -6 route')).toMatch(/fd00:10:244:12::\/64 via fd00:172:30:1::12 dev eth0/);
    expect(a!.space.run('ip -6 route')).toMatch(/fd00:10:244:13::\/64 via fd00:10:244:13:: dev portico\.vxlan/);
    expect(c!.space.run('bridge fdb show dev portico.vxlan').match(/dst/g)).toHaveLength(2);
  });

  test('pods see each other as they are; the world sees the node', async () => {
    const [a1, , b1, , c1] = pods;
    for (const i of [0, 1]) {
      expect(await seenAs(a1!.space, b1!.space, b1!.ips[i]!)).toBe(a1!.ips[i]);
      expect(await seenAs(a1!.space, c1!.space, c1!.ips[i]!)).toBe(a1!.ips[i]);
      expect(await seenAs(a1!.space, b!.space, b!.ips[i]!)).toBe(a1!.ips[i]);
      expect(await seenAs(a1!.space, lab.router, ['192.0.2.1', '2001:db8::1'][i]!)).toBe(a!.ips[i]);
      // To a node of another segment the way leads through routers, which know of no pods.
      expect(await seenAs(a1!.space, c!.space, c!.ips[i]!)).toBe(a!.ips[i]);
    }
  });

  test('what somebody takes away by hand comes back: routes, the table, settings of the kernel, the bridge, its configuration', async () => {
    const [a1, , b1] = pods;
    const space = a!.space;
    // What is taken away while it writes anyway it puts back without a word.
    const idle = () => until(() => a!.isIdle, 'the end of what is under way');
    const isTold = () => a!.log.some((line) => line.includes('somebody changed routes: route replace '));
    for (let tries = 0; tries < 3 && !isTold(); tries += 1) {
      await idle();
      space.run('ip route flush proto 80');
      space.run('ip -6 route flush proto 80');
      await untilEcho(a1!.space, b1!.ips[0]!);
      await untilEcho(a1!.space, b1!.ips[1]!);
    }
    space.run('nft flush ruleset');
    await until(() => space.run('nft list tables').includes('inet portico-podnetwork'), 'the table of the pod network');
    const names = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'];
    space.run(`sysctl -qw ${names.map((name) => `${name}=0`).join(' ')}`);
    await until(() => space.run(`sysctl -n ${names.join(' ')}`).trim() === '1\n1', 'forwarding');
    await idle();
    space.run('ip address flush dev cni0');
    space.run('ip link set cni0 down');
    await untilEcho(a1!.space, b1!.ips[0]!);
    await untilEcho(a1!.space, b1!.ips[1]!);
    rmSync(a!.configPath);
    await until(() => existsSync(a!.configPath), 'the CNI configuration');
    const said = a!.log.splice(0);
    for (const what of [
      /^pod network: somebody changed routes: route replace /,
      /^pod network: the table inet portico-podnetwork was removed by someone else: writing it anew$/,
      /^pod network: somebody changed settings of the kernel: .*=1 again$/,
      /^pod network: the pods' bridge is not as for .*: link set cni0 up, addr replace /,
      /^pod network: somebody changed .*conflist: writing it anew$/,
    ]) {
      expect(said).toContainEqual(expect.stringMatching(what));
    }
  });

  /** Of the node that comes: another one with each try. */
  let number = 13;

  test('a node that comes is reached at once, and nothing stays of one that goes', async () => {
    const api = lab.api.resource<Node>(nodes);
    number += 1;
    const name = `d${number}`;
    const d = await lab.addNode({ name, number, segment: 3 });
    onTestFinished(async () => {
      await d.stop();
      await api.delete(name).catch(ignoreNotFound);
    });
    const pod = d.addPod(`${name}-1`);
    // Long before the next look at everything, which comes once in a minute.
    await until(
      () => [a, b, c].every((n) => n!.space.run('ip route').includes(`10.244.${number}.0/24`)),
      'routes to the node',
    );
    for (const ip of pod.ips) await untilEcho(pods[0]!.space, ip);

    // It gets another address: the others follow.
    const [old, other] = [`172.30.3.${number}`, `172.30.3.${number + 100}`];
    d.space.run(`ip addr add ${other}/24 dev eth0`);
    const node = await api.get(name);
    const status = { addresses: [{ type: 'InternalIP', address: other }] };
    await api.update({ ...node, status }, { subresource: 'status' });
    const ends = () => a!.space.run('bridge fdb show dev portico.vxlan');
    await until(() => ends().includes(`dst ${other}`), 'the new address');
    await until(() => !ends().includes(`dst ${old} `), 'the old one gone');
    await untilEcho(pods[0]!.space, pod.ips[0]!);

    await d.stop();
    await api.delete(name);
    await until(() => !new RegExp(`10\\.244\\.${number}|244:${number}`).test(routesOf(a!.space)), 'routes gone');
    const neighbours = () => a!.space.run('ip neigh show dev portico.vxlan');
    await until(() => !neighbours().includes(`10.244.${number}`), 'neighbours gone');
    await until(() => !ends().includes(other), 'the end gone');
  });

  test('when the last node across a router goes, so does the tunnel', async () => {
    const api = lab.api.resource<Node>(nodes);
    const gone = await api.get('c');
    await api.delete('c');
    try {
      await until(() => [a, b].every((node) => !links(node!.space).includes('portico.vxlan')), 'no tunnel');
      await until(() => a!.mtu === 1500, 'the MTU of before');
    } finally {
      const { name } = gone.metadata;
      await api.create({ ...gone, metadata: { name } });
    }
    await until(() => [a, b].every((node) => links(node!.space).includes('portico.vxlan')), 'the tunnel again');
    // c was told that its Node is another one, and gave its end again.
    await untilEcho(pods[0]!.space, pods[4]!.ips[0]!);
    expect([...a!.log, ...b!.log, ...c!.log].filter((line) => !line.includes('not found'))).toEqual([]);
  });
});

/** Newer kernels come without the older backend. */
const hasLegacy = ['iptables-legacy', 'ip6tables-legacy'].every(
  (program) => spawnSync('unshare', ['--net', program, '-S']).status === 0,
);
const backends = ['nft', ...(hasLegacy ? ['legacy'] : [])];

describe('other firewalls', () => {
  let lab: NodeLab;
  let node: LabNode;
  let pod: LabPod;
  let far: LabPod;

  beforeAll(async () => {
    lab = new NodeLab('fw', 2);
    node = await lab.addNode({ name: 'a', number: 11, segment: 1 });
    const other = await lab.addNode({ name: 'b', number: 12, segment: 2 });
    [pod, far] = [node.addPod('a1'), other.addPod('b1')];
    for (const ip of far.ips) await untilEcho(pod.space, ip);
  });
  afterAll(async () => lab?.close());

  /** The network looks on meanwhile: what it sees missing before all is gone, it puts back. */
  async function cleanUp(isClean: () => boolean): Promise<void> {
    const deadline = Date.now() + 300_000;
    do {
      if (Date.now() > deadline) throw new Error('rules stay, or come back each time');
      await node.network.cleanupFirewall();
    } while (!isClean());
  }

  async function passesAgain(): Promise<void> {
    for (const ip of far.ips) await untilEcho(pod.space, ip);
    for (const ip of pod.ips) await untilEcho(far.space, ip);
  }

  test.each(backends)('iptables that drops what it forwards and takes in, backend %s', async (backend) => {
    const commands = [`iptables-${backend}`, `ip6tables-${backend}`];
    const accepting = (program: string) => node.space.run(`${program} -S`).includes('PORTICO-FORWARD -s');
    for (const program of commands) {
      node.space.run(`${program} -N KUBE-FORWARD`);
      onTestFinished(() => {
        const lines = ['-P FORWARD ACCEPT', '-P INPUT ACCEPT', '-F', '-X KUBE-FORWARD'];
        for (const line of lines) node.space.run(`${program} ${line}`);
      });
      node.space.run(`${program} -A FORWARD -j KUBE-FORWARD`);
      node.space.run(`${program} -A INPUT -p udp -j DROP`);
      node.space.run(`${program} -P FORWARD DROP`);
      node.space.run(`${program} -P INPUT DROP`);
      node.space.run(`${program} -A INPUT -p ${program.startsWith('ip6') ? 'ipv6-icmp' : 'icmp'} -j ACCEPT`);
    }
    await until(() => commands.every(accepting), 'rules that accept');
    await passesAgain();
    const chain = node.space.run(`iptables-${backend} -S FORWARD`);
    expect(chain).toMatch(/-j KUBE-FORWARD\n.*-j PORTICO-FORWARD/);
    for (const program of commands) node.space.run(`${program} -F`);
    await until(() => commands.every(accepting), 'the rules again');
    await cleanUp(() => commands.every((program) => !node.space.run(`${program} -S`).includes('PORTICO')));
  });

  test('a table as firewalld has it, and loads it anew', async () => {
    const load = () =>
      node.space.run(
        'nft -f -',
        `table inet firewalld
delete table inet firewalld
table inet firewalld {
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    jump filter_FORWARD_POLICIES
  }
  chain filter_FORWARD_POLICIES {
    iifname "eth0" goto filter_FWD_public
    reject with icmpx admin-prohibited
  }
  chain filter_FWD_public {
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    meta l4proto { icmp, ipv6-icmp } accept
    reject with icmpx admin-prohibited
  }
}
`,
      );
    const accepting = () =>
      node.space.run('nft list table inet firewalld').match(/accept comment "portico/g)?.length === 9;
    load();
    await until(accepting, 'rules that accept');
    await passesAgain();
    load();
    expect(accepting()).toBe(false);
    await until(accepting, 'the rules again');
    expect(node.log).toEqual([]);
    await cleanUp(() => !node.space.run('nft list table inet firewalld').includes('portico'));
  });
});

describe('the tunnel alone', () => {
  let lab: NodeLab;
  const pods: LabPod[] = [];
  let a: LabNode;

  beforeAll(async () => {
    lab = new NodeLab('vx', 1);
    a = await lab.addNode({ name: 'a', number: 11, segment: 1, mode: 'vxlan', primary: 'IPv6' });
    const b = await lab.addNode({ name: 'b', number: 12, segment: 1, mode: 'vxlan', primary: 'IPv6' });
    for (const node of [a, b]) pods.push(node.addPod(`${node.name}1`));
    await until(() => a.space.run('ip route').includes('10.244.12.0/24'), 'the route');
  });
  afterAll(async () => lab?.close());

  test('over IPv6, with 70 bytes for its headers', async () => {
    await until(() => a.mtu === 1430, 'room for the tunnel in the MTU');
    const annotation = (await lab.api.resource<Node>(nodes).get('a')).metadata.annotations?.[vtepAnnotation];
    expect(annotation).toContain('fd00:172:30:1::11/64');
    const [from, to] = pods;
    await untilEcho(from!.space, to!.ips[0]!, 1402);
    await untilEcho(from!.space, to!.ips[1]!, 1382);
    expect(await echoes(from!.space, to!.ips[0]!, 1403)).toBe(false);
  });

  test('takes away what it made', async () => {
    await a.stop();
    await a.network.cleanup();
    expect(links(a.space)).not.toMatch(/portico\.vxlan|cni0/);
    expect(a.space.run('ip route')).not.toContain('10.244.12');
    expect(a.space.run('nft list tables')).toBe('');
  });
});
