import { expect, test } from 'vitest';
import { renderRule } from '../../iptables/render.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { config, nodeA, planned, service } from '../fixtures/objects.ts';
import { planServicePort } from '../plan.ts';
import { servicePorts } from '../service-port.ts';
import { filterChains } from './base.ts';
import { countedPackets, type KernelFacts, kernelFacts } from './kernel-facts.ts';
import { serviceRules } from './service.ts';

const refused = { code: 1, stderr: 'nfacct v1.0.2: error: No such file or directory' };

test('counters that are missing are made, those that are there are kept', async () => {
  const exec = new FakeExec(({ command: [, verb, name] }) => {
    if (verb === 'get') return name === 'localhost_nps_accepted_pkts' ? {} : refused;
    return verb === 'add' ? {} : { stdout: '0\n' };
  });
  expect(await kernelFacts(exec)).toEqual({
    counters: ['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts'],
    tcpLiberal: false,
  });
  expect(exec.commands.map(({ command }) => command.join(' '))).not.toContain('nfacct add localhost_nps_accepted_pkts');
});

test('without the program, or a kernel that has them, there are none', async () => {
  const missing = new FakeExec(() => {
    throw new Error('spawn nfacct ENOENT');
  });
  expect(await kernelFacts(missing)).toEqual({ counters: [], tcpLiberal: false });
  expect((await countedPackets(missing)).size).toBe(0);
  expect((await kernelFacts(new FakeExec(() => refused))).counters).toEqual([]);
});

test('what they have seen', async () => {
  const line = (packets: string, name: string) => `{ pkts = ${packets}, bytes = 00000000000000000120 } = ${name};\n`;
  const stdout = line('00000000000000000002', 'localhost_nps_accepted_pkts') + line('9', 'of-others');
  expect(await countedPackets(new FakeExec(() => ({ stdout })))).toEqual(new Map([['localhost_nps_accepted_pkts', 2]]));
});

const facts: KernelFacts = {
  counters: ['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts'],
  tcpLiberal: false,
};

const forward = (kernel?: KernelFacts) =>
  filterChains({ ...config, kernel })
    .find(({ name }) => name === 'KUBE-FORWARD')!
    .rules.map(renderRule);

test('packets in no connection are dropped, and counted where they can be', () => {
  expect(forward()[0]).toBe('-m conntrack --ctstate INVALID -j DROP');
  expect(forward(facts)[0]).toBe(
    '-m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP',
  );
  expect(forward({ counters: [], tcpLiberal: true })).toHaveLength(2);
});

test('node ports on 127.0.0.1 are counted where they can be', () => {
  const web = service({ name: 'web', type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] });
  const [port] = servicePorts(web, 'IPv4');
  const plan = planServicePort(port!, [planned('10.244.2.1')], nodeA);
  const rules = (localhostNodePorts: boolean, kernel?: KernelFacts) =>
    serviceRules(plan, { ...config, localhostNodePorts, kernel }, { comments: true }).shared.natNodePorts.map(
      renderRule,
    );
  const [counting, usual] = rules(true, facts);
  expect(counting).toMatch(
    /^-m comment --comment "?demo\/web:http"? -m tcp -p tcp -d 127.0.0.0\/8 --dport 30080 -m nfacct --nfacct-name localhost_nps_accepted_pkts -j KUBE-EXT-/,
  );
  expect([usual]).toEqual(rules(true));
  expect(rules(false, facts)).toEqual(rules(true));
});
