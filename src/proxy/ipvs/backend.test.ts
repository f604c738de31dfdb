import { describe, expect, test } from 'vitest';
import { littleEndian } from '../../nftables/events.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeExec, type RecordedCommand } from '../../system/fake/exec.ts';
import { endpoint, nodeA, service, settings, slice } from '../fixtures/objects.ts';
import { ownerOf } from '../owner.ts';
import { ServiceView } from '../service-view.ts';
import { configOf } from '../settings.ts';
import { IpvsBackend } from './backend.ts';
import { ipvsRuleset } from './ruleset.ts';
import { sysctlsOf, timeoutsOf } from './sysctls.ts';

const config = configOf({ ...settings, mode: 'ipvs' }, 'IPv4', nodeA);
const clock = () => new FakeClock();

function plansOf(...args: Parameters<typeof service>) {
  const view = new ServiceView();
  view.setService(service(...args));
  view.setSlice(slice(args[0].name, [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]));
  return view.plans(`demo/${args[0].name}`, 'IPv4', nodeA);
}

/** A node that holds nothing but what each program's answer says. */
function nodeWith(answers: Readonly<Record<string, string>> = {}): FakeExec {
  return new FakeExec(({ command }) => {
    const line = command.join(' ');
    const known = Object.keys(answers).find((start) => line.startsWith(start));
    if (known) return { stdout: answers[known]! };
    if (line.startsWith('uname')) return { stdout: '6.1.0-56-cloud-amd64\n' };
    return {};
  });
}

const ran = (exec: FakeExec, program: string): RecordedCommand[] =>
  exec.commands.filter(({ command }) => command.join(' ').startsWith(program));

describe('a machine that cannot do it', () => {
  test('without the module is told of it in one line', async () => {
    const exec = new FakeExec(({ command }) =>
      command.includes('-Ln') ? { code: 255, stderr: "Can't initialize ipvs: Protocol not available\n" } : {},
    );
    await expect(IpvsBackend.open({ exec, clock: clock() })).rejects.toThrow(
      'the kernel of this machine has no IPVS: load its module with `modprobe ip_vs`, or use --proxy-mode nftables or iptables',
    );
  });

  test('without the programs is told of them', async () => {
    const exec = new FakeExec(({ command: [program] }) => {
      if (program === 'ipvsadm') throw Object.assign(new Error('spawn ipvsadm ENOENT'), { code: 'ENOENT' });
      return {};
    });
    await expect(IpvsBackend.open({ exec, clock: clock() })).rejects.toThrow('install the package ipvsadm');
  });
});

describe('sync', () => {
  test('writes what differs from what is there, and nothing twice', async () => {
    const exec = nodeWith({
      'ip -json addr show up': '[{"ifname":"eth0","addr_info":[{"local":"172.18.0.9","scope":"global"}]}]',
      'ip -json addr show dev': '[{"ifname":"kube-ipvs0","addr_info":[{"local":"10.96.0.99","scope":"global"}]}]',
      'ipvsadm -Ln': 'TCP  10.96.0.99:80 rr\nTCP  192.0.2.1:80 rr\n',
    });
    const backend = await IpvsBackend.open({ exec, clock: clock(), settings: { excludeCIDRs: ['192.0.2.0/24'] } });
    backend.configure([config]);
    const plans = plansOf({ name: 'web', type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] });
    for (const plan of plans) backend.set('IPv4', ownerOf(plan.servicePort), plan);
    await backend.sync({ full: true });
    expect(ran(exec, 'ipvsadm --restore').map(({ input }) => input)).toEqual([
      `-A -t 10.96.0.10:80 -s rr
-a -t 10.96.0.10:80 -r 10.244.1.1:8080 -m -w 1
-a -t 10.96.0.10:80 -r 10.244.2.1:8080 -m -w 1
-A -t 172.18.0.9:30080 -s rr
-a -t 172.18.0.9:30080 -r 10.244.1.1:8080 -m -w 1
-a -t 172.18.0.9:30080 -r 10.244.2.1:8080 -m -w 1
-D -t 10.96.0.99:80
`,
    ]);
    expect(ran(exec, 'ip -batch').map(({ input }) => input)).toEqual([
      'addr replace 10.96.0.10/32 dev kube-ipvs0\naddr del 10.96.0.99/32 dev kube-ipvs0\n',
    ]);
    const before = exec.commands.length;
    await backend.sync({ full: false });
    const again = exec.commands.slice(before).map(({ command }) => command.join(' '));
    expect(again).toEqual(['ip -json addr show up']);
  });

  test('what someone else takes away is missed, and only that is put back', async () => {
    const exec = nodeWith({
      'ip -json addr show dev': '[{"ifname":"kube-ipvs0","addr_info":[{"local":"10.96.0.10","scope":"global"}]}]',
    });
    const backend = await IpvsBackend.open({ exec, clock: clock() });
    backend.configure([config]);
    for (const plan of plansOf({ name: 'web' })) backend.set('IPv4', ownerOf(plan.servicePort), plan);
    await backend.sync({ full: true });
    // Whatever was written, this machine says that it holds no virtual server and no set.
    expect(await backend.condition()).toBe('edited');
    const before = exec.commands.length;
    await backend.sync({ full: false });
    const again = exec.commands.slice(before);
    expect(again.find(({ command }) => command.join(' ') === 'ipvsadm --restore')?.input).toContain(
      '-A -t 10.96.0.10:80',
    );
    expect(again.map(({ command }) => command.join(' '))).not.toContain('ip -batch -');
  });

  test('a line that ipvsadm refuses fails the sync, whatever its exit code', async () => {
    const exec = new FakeExec(({ command }) =>
      command.includes('--restore') ? { stderr: 'Service already exists\n' } : { stdout: '' },
    );
    const backend = await IpvsBackend.open({ exec, clock: clock() });
    backend.configure([config]);
    for (const plan of plansOf({ name: 'web' })) backend.set('IPv4', ownerOf(plan.servicePort), plan);
    await expect(backend.sync({ full: true })).rejects.toThrow('ipvsadm: Service already exists');
    expect(await backend.condition()).toBe('broken');
  });
});

/** The message of netlink that a chain was deleted (see src/nftables/events.ts), as the kernel pads it. */
function chainDeleted(table: string, chain: string): Uint8Array {
  const attribute = (type: number, text: string) => {
    const bytes = Buffer.alloc((4 + text.length + 1 + 3) & ~3);
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, 4 + text.length + 1, littleEndian);
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(2, type, littleEndian);
    bytes.write(text, 4);
    return bytes;
  };
  const message = Buffer.concat([Buffer.alloc(20), attribute(1, table), attribute(3, chain)]);
  const numbers = new DataView(message.buffer, message.byteOffset);
  numbers.setUint32(0, message.length, littleEndian);
  numbers.setUint16(4, 0x0a05, littleEndian);
  message[16] = 2;
  return message;
}

test('rules around it that someone else removes are missed as soon as that is heard of', async () => {
  const stop = new AbortController();
  const told = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  let sets = '';
  const exec = new FakeExec(({ command, input }) => {
    if (command.includes('-V')) return { stdout: 'socat by Gerhard Rieger and contributors' };
    if (command.join(' ').startsWith('ipset restore')) sets += input;
    if (command.join(' ') === 'ipset save') return { stdout: sets };
    return command.join(' ').startsWith('uname') ? { stdout: '6.1.0' } : {};
  });
  const events = [chainDeleted('nat', 'KUBE-LOAD-BALANCER')];
  const follow = {
    async *bytes(_: readonly string[], signal: AbortSignal) {
      await told.promise;
      yield* events.splice(0);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    lines: () => {
      throw new Error('not here');
    },
    converse: () => {
      throw new Error('not here');
    },
  };
  const backend = await IpvsBackend.open({ exec, follow, clock: clock() });
  backend.configure([config]);
  await backend.sync({ full: true });
  expect(await backend.condition()).toBe('intact');
  const watching = backend.watch(() => heard.resolve(), stop.signal);
  told.resolve();
  await heard.promise;
  expect(await backend.condition()).toBe('broken');
  await backend.sync({ full: true });
  expect(await backend.condition()).toBe('intact');
  stop.abort();
  await watching;
});

describe('what is wanted', () => {
  test('the scheduler is the one that was asked for; mh goes by source ports, too', () => {
    const hashed = configOf({ ...settings, mode: 'ipvs', ipvs: { scheduler: 'mh' } }, 'IPv4', nodeA);
    const [server] = ipvsRuleset(plansOf({ name: 'web' }), hashed).virtualServers;
    expect(server).toMatchObject({ scheduler: 'mh', schedulerFlags: 'mh-port' });
  });

  test('an external address that the node has already is not carried twice', () => {
    const plans = plansOf({ name: 'web', externalIPs: ['172.18.0.2', '198.51.100.7'] });
    expect(ipvsRuleset(plans, config).addresses).toEqual(['10.96.0.10', '198.51.100.7']);
  });
});

test('switches of the kernel, by its release and the settings', () => {
  expect(sysctlsOf({}, '6.1.0-56-cloud-amd64\n')).not.toContain('net.ipv4.vs.conn_reuse_mode=0');
  expect(sysctlsOf({}, '5.8.18')).toContain('net.ipv4.vs.conn_reuse_mode=0');
  expect(sysctlsOf({}, '5.9.0')).not.toContain('net.ipv4.vs.conn_reuse_mode=0');
  expect(sysctlsOf({ strictARP: true }, '6.1.0').slice(-2)).toEqual([
    'net.ipv4.conf.all.arp_ignore=1',
    'net.ipv4.conf.all.arp_announce=2',
  ]);
  expect(timeoutsOf({})).toBeUndefined();
  expect(timeoutsOf({ udpTimeout: 2500 })).toEqual(['0', '0', '2']);
});
