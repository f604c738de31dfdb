import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { dotted, forbiddenSysctl } from './sysctls.ts';

const pod = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [], securityContext: { sysctls: [{ name, value: '1' }] }, ...spec },
});

test.each<[string, Partial<PodSpec>, string | undefined]>([
  ['net.ipv4.ip_unprivileged_port_start', {}, undefined],
  ['net/ipv4/tcp_syncookies', {}, undefined],
  [
    'net.ipv4.tcp_syncookies',
    { hostNetwork: true },
    'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  ],
  [
    'kernel.shm_rmid_forced',
    { hostIPC: true },
    'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled',
  ],
  ['kernel.msgmax', {}, 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
])('%s %j', (name, spec, expected) => expect(forbiddenSysctl(pod(name, spec), [])).toBe(expected));

test('what the operator allows, by name or prefix', () => {
  expect(forbiddenSysctl(pod('kernel.msgmax'), ['kernel.msg*'])).toBeUndefined();
  expect(forbiddenSysctl(pod('kernel.sem'), ['kernel.msg*', 'kernel.sem'])).toBeUndefined();
  expect(forbiddenSysctl(pod('kernel.shmall'), ['kernel.msg*'])).toContain('not allowlisted');
});

test('slashes and dots', () => {
  expect(dotted('net/ipv4/conf/eth0.1/forwarding')).toBe('net.ipv4.conf.eth0/1.forwarding');
  expect(dotted('net.ipv4.conf.eth0/1.forwarding')).toBe('net.ipv4.conf.eth0/1.forwarding');
});
