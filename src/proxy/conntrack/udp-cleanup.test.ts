import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { nodeA, planned, service } from '../fixtures/objects.ts';
import { planServicePort, type ServicePortPlan } from '../plan.ts';
import { servicePorts } from '../service-port.ts';
import { UdpCleanup } from './udp-cleanup.ts';

const port = { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 };
const [dns] = servicePorts(service({ name: 'dns', type: 'NodePort', ports: [port] }), 'IPv4');
const plan = (...addresses: readonly string[]) =>
  planServicePort(
    dns!,
    addresses.map((address) => planned(address)),
    nodeA,
  );
const change = (before: ServicePortPlan | undefined, after: ServicePortPlan | undefined) => ({
  ...{ family: 'IPv4' as const, owner: 'demo/dns:dns/udp' },
  ...{ before, after },
});

/** All that a try does: its programs answer at once. */
const tried = () => new Promise((resolve) => setImmediate(resolve));

const flow = (to: string, toPort: number, replyFrom: string) =>
  `udp 17 29 src=10.244.1.9 dst=${to} sport=4 dport=${toPort} src=${replyFrom} dst=10.244.1.9 sport=8080 dport=4 use=1\n`;

/** A machine with some flows and the address 127.0.0.1; `broken` programs fail. */
function machine(flows: string, plans: readonly ServicePortPlan[]) {
  const broken = new Set<string>();
  const clock = new FakeClock();
  const exec = new FakeExec(({ command: [program = '', verb] }) => {
    if (broken.has(program)) return { code: 1, stderr: 'Operation failed' };
    if (program === 'ip') return { stdout: '[{"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]}]' };
    return verb === '-L' ? { stdout: flows } : { stderr: 'conntrack v1.4.7: 1 flow entries have been deleted.' };
  });
  const ended = () =>
    exec.commands.flatMap(({ command }) => (command.includes('-D') ? command[command.indexOf('--orig-dst') + 1] : []));
  const reconciled: number[] = [];
  const cleanup = new UdpCleanup({
    ...{ exec, clock, plans: () => plans },
    onReconciled: (_, result) => reconciled.push(result.ended),
  });
  return { broken, clock, exec, ended, cleanup, reconciled };
}

test('nothing is looked through where nothing of UDP changed', async () => {
  const { cleanup, exec } = machine('', []);
  await cleanup.synced([change(plan('10.244.1.1'), plan('10.244.1.1'))]);
  expect(exec.commands).toEqual([]);
});

test.each(['conntrack', 'ip'])(
  'what is left because %s fails is ended later, also of a port that is gone',
  async (program) => {
    const { broken, clock, cleanup, ended, reconciled } = machine(flow('10.96.0.10', 53, '10.244.1.1'), []);
    broken.add(program);
    await expect(cleanup.synced([change(plan('10.244.1.1'), undefined)])).rejects.toThrow('Operation failed');
    clock.advance(30_000);
    await tried();
    expect(ended()).toEqual([]);
    broken.clear();
    clock.advance(30_000);
    await tried();
    expect([ended(), reconciled]).toEqual([['10.96.0.10'], [1]]);
    clock.advance(3_600_000);
    await tried();
    expect(ended()).toHaveLength(1);
  },
);

test('a sync that comes first takes along what was left, if it changes anything of UDP', async () => {
  const { broken, cleanup, ended, exec } = machine(flow('10.96.0.10', 53, '10.244.1.1'), []);
  broken.add('conntrack');
  await expect(cleanup.synced([change(plan('10.244.1.1'), undefined)])).rejects.toThrow();
  const { length } = exec.commands;
  await cleanup.synced([]);
  expect(exec.commands).toHaveLength(length);
  broken.clear();
  const [other] = servicePorts(service({ name: 'other', clusterIP: '10.96.0.11', ports: [port] }), 'IPv4');
  await cleanup.synced([change(undefined, planServicePort(other!, [], nodeA))]);
  expect(ended()).toEqual(['10.96.0.10']);
});

test.each(['afterwards', 'meanwhile'])('nothing is tried any more once it is stopped, %s', async (when) => {
  const { broken, clock, cleanup, exec } = machine('', []);
  broken.add('conntrack');
  const failing = cleanup.synced([change(plan('10.244.1.1'), undefined)]);
  if (when === 'meanwhile') cleanup.stop();
  await expect(failing).rejects.toThrow();
  const { length } = exec.commands;
  cleanup.stop();
  clock.advance(3_600_000);
  await tried();
  expect(exec.commands).toHaveLength(length);
});

test('what was sent to a node port at any address of the machine before there was one is ended', async () => {
  const flows = flow('127.0.0.1', 30053, '127.0.0.1') + flow('8.8.8.8', 30053, '8.8.8.8');
  const { cleanup, ended } = machine(flows, [plan('10.244.1.1')]);
  await cleanup.synced([change(undefined, plan('10.244.1.1'))]);
  expect(ended()).toEqual(['127.0.0.1']);
});

test('where there is no such program it is not asked for again, until something of UDP changes', async () => {
  const clock = new FakeClock();
  const exec = new FakeExec(({ command: [program] }) => {
    if (program === 'ip') return { stdout: '[]' };
    throw Object.assign(new Error('spawn conntrack ENOENT'), { code: 'ENOENT' });
  });
  const cleanup = new UdpCleanup({ exec, clock, plans: () => [] });
  await expect(cleanup.synced([change(plan('10.244.1.1'), undefined)])).rejects.toThrow('ENOENT');
  const { length } = exec.commands;
  clock.advance(3_600_000);
  await tried();
  expect(exec.commands).toHaveLength(length);
  await expect(cleanup.synced([change(undefined, plan('10.244.1.1'))])).rejects.toThrow('ENOENT');
});
