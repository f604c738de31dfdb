import { expect, test } from 'vitest';
import { changedSettings } from './kernel-settings.ts';
import { routesIn } from './machine-state.ts';

const zeros = '0'.repeat(32);
const header = '/proc/net/route:Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
const toPods = '/proc/net/route:eth0\t0001F40A\t0C00A8AC\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0';
const toPods6 = (used: string) =>
  `/proc/net/ipv6_route:fd000010024400010000000000000000 40 ${zeros} 00 fd00017200300000000000000000000c 00000400 00000001 ${used} 00000003     eth0`;
const ofLink = `/proc/net/ipv6_route:fe800000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001 veth1234`;
const address = `/proc/net/ipv6_route:fd000010024400000000000000000001 80 ${zeros} 00 ${zeros} 00000000 00000002 00000000 80200001     cni0`;

test('routes are the same whatever was sent over them, and whichever links there are', () => {
  const routes = routesIn([header, toPods, toPods6('00000000')]);
  expect(routes).toContain('0001F40A');
  expect(routesIn([address, header, toPods, toPods6('000000ff'), ofLink])).toBe(routes);
});

test('a route that goes is seen, in both families', () => {
  const all = [header, toPods, toPods6('00000000')];
  for (const lost of [toPods, toPods6('00000000')]) {
    expect(routesIn(all.filter((line) => line !== lost))).not.toBe(routesIn(all));
  }
});

test('settings that somebody changed are named; those that the kernel lacks are not', () => {
  const lines = ['/proc/sys/net/ipv4/ip_forward:0', '/proc/sys/net/ipv6/conf/all/forwarding:1', toPods];
  expect(changedSettings(lines)).toEqual(['net.ipv4.ip_forward=1']);
});
