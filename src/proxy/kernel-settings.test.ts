import { describe, expect, test } from 'vitest';
import type { Exec } from '../system/exec.ts';
import { defaultConfiguration, type KubeProxyConfiguration } from './configuration/fields.ts';
import { applyKernelSettings, conntrackMax, conntrackSettings } from './kernel-settings.ts';

const of = (more: Partial<KubeProxyConfiguration>) => ({ ...defaultConfiguration(), ...more });
const netfilter = '/proc/sys/net/netfilter';

describe('how many connections are tracked', () => {
  test.each([
    [2, {}, 131072],
    [8, {}, 262144],
    [64, {}, 1048576],
    [8, { 'conntrack.maxPerCore': 0 }, 0],
    [2, { 'conntrack.maxPerCore': 1000, 'conntrack.min': 5 }, 2000],
  ])('%i cores and %j: %i', (cores, more, expected) => {
    expect(conntrackMax(of(more), cores)).toBe(expected);
  });
});

test('defaults set the limit and the timeouts of TCP only', () => {
  expect(conntrackSettings(defaultConfiguration(), 2)).toEqual([
    { path: `${netfilter}/nf_conntrack_max`, value: 131072, how: 'raise' },
    { path: '/sys/module/nf_conntrack/parameters/hashsize', value: 32768, how: 'raise', optional: true },
    { path: `${netfilter}/nf_conntrack_tcp_timeout_established`, value: 86400, how: 'set' },
    { path: `${netfilter}/nf_conntrack_tcp_timeout_close_wait`, value: 3600, how: 'set' },
  ]);
});

test('all of it can be asked for, or nothing', () => {
  const some = {
    'conntrack.maxPerCore': 0,
    'conntrack.tcpEstablishedTimeout': 0,
    'conntrack.tcpCloseWaitTimeout': 0,
  };
  expect(conntrackSettings(of(some), 2)).toEqual([]);
  const more = {
    ...some,
    'conntrack.tcpBeLiberal': true,
    'conntrack.udpTimeout': 5500,
    'conntrack.udpStreamTimeout': 60_000,
  };
  expect(conntrackSettings(of(more), 2).map(({ path, value }) => [path.slice(netfilter.length + 1), value])).toEqual([
    ['nf_conntrack_tcp_be_liberal', 1],
    ['nf_conntrack_udp_timeout', 5],
    ['nf_conntrack_udp_timeout_stream', 60],
  ]);
});

test('only what is not as wanted is written, and limits are only raised; a refusal is told of', async () => {
  const files = new Map([
    ['/max', '262144\n'],
    ['/timeout', '432000\n'],
    ['/same', '1\n'],
  ]);
  const exec: Exec = {
    run: async ([program = '', path = ''], options) => {
      const present = files.get(path);
      if (program === 'cat') return { code: present === undefined ? 1 : 0, stdout: present ?? '', stderr: '' };
      if (path === '/closed') return { code: 1, stdout: '', stderr: 'tee: /closed: Permission denied\n' };
      files.set(path, String(options?.input));
      return { code: 0, stdout: '', stderr: '' };
    },
  };
  const failures = await applyKernelSettings(exec, [
    { path: '/max', value: 131072, how: 'raise' },
    { path: '/timeout', value: 86400, how: 'set' },
    { path: '/same', value: 1, how: 'set' },
    { path: '/closed', value: 7, how: 'set' },
    { path: '/closed', value: 7, how: 'raise', optional: true },
  ]);
  expect([...files]).toEqual([
    ['/max', '262144\n'],
    ['/timeout', '86400'],
    ['/same', '1\n'],
  ]);
  expect(failures).toEqual(['cannot set /closed to 7: tee: /closed: Permission denied']);
});
