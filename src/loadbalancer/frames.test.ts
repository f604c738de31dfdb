import { expect, test } from 'vitest';
import { announcement, frameLength } from './frames.ts';
import { linkFor, networksOf, parseLinks, putAddress, removeAddress } from './links.ts';

const mac = '02:00:00:00:00:0a';
const hex = (frame: Buffer | undefined, from: number, to?: number) => frame?.subarray(from, to).toString('hex');

test('IPv4: a gratuitous request and a reply, to everybody', () => {
  const frames = announcement('192.0.2.1', mac);
  expect(frames.map((frame) => frame.length)).toEqual([frameLength, frameLength]);
  const head = 'ffffffffffff02000000000a0806000108000604';
  expect(hex(frames[0], 0, 42)).toBe(`${head}000102000000000ac0000201000000000000c0000201`);
  expect(hex(frames[1], 0, 42)).toBe(`${head}000202000000000ac0000201ffffffffffffc0000201`);
});

test('IPv6: an advertisement that overrides, with the checksum that RFC 4443 asks for', () => {
  const [frame, ...more] = announcement('fd00::5', mac);
  expect(more).toEqual([]);
  expect(hex(frame, 0, 22)).toBe('33330000000102000000000a86dd6000000000203aff');
  expect(hex(frame, 22, 54)).toBe('fd000000000000000000000000000005ff020000000000000000000000000001');
  expect(hex(frame, 58, 86)).toBe('a0000000fd000000000000000000000000000005020102000000000a');
  // Over the pseudo-header and the message, checksum included, the sum is all ones.
  const message = frame!.subarray(54, 86);
  const summed = Buffer.concat([frame!.subarray(22, 54), Buffer.from([0, 0, 0, 32, 0, 0, 0, 58]), message]);
  let sum = 0;
  for (let i = 0; i < summed.length; i += 2) sum += summed.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  expect(sum).toBe(0xffff);
});

test('what is no address has no frames', () => {
  expect(announcement('web', mac)).toEqual([]);
});

const link = (ifname: string, address: string, ...ips: [string, number][]) => ({
  ifname,
  address,
  addr_info: ips.map(([local, prefixlen]) => ({ local, prefixlen })),
});
const links = parseLinks(
  JSON.stringify([
    link('lo', '00:00:00:00:00:00', ['127.0.0.1', 8]),
    link('eth0', mac, ['172.30.0.11', 24], ['172.30.0.129', 32], ['fd00:172:30::b', 64]),
    link('eth1', '02:00:00:00:00:0b', ['198.51.100.7', 24]),
    { ifname: 'tunnel0', address: '0.0.0.0' },
  ]),
);
const own = ['172.30.0.11', 'fd00:172:30::b'];

test('an address is answered for on the link of its network, else on the node’s', () => {
  expect(links.map(({ name }) => name)).toEqual(['eth0', 'eth1']);
  const chosen = (ip: string) => linkFor(ip, links, own)?.name;
  expect(['172.30.0.200', 'fd00:172:30::1:1', '198.51.100.9', '203.0.113.1'].map(chosen)).toEqual([
    'eth0',
    'eth0',
    'eth1',
    'eth0',
  ]);
});

test('the networks of a node are those of its own link, single addresses left out', () => {
  expect(networksOf(links, own).map(({ prefixLength }) => prefixLength)).toEqual([24, 64]);
});

test('addresses come with a lifetime and never as a source', () => {
  expect(putAddress('192.0.2.1', 'eth0')).toBe('address replace 192.0.2.1/32 dev eth0 valid_lft 5 preferred_lft 0');
  expect(putAddress('fd00::5', 'eth0')).toBe('address replace fd00::5/128 dev eth0 valid_lft 5 preferred_lft 0 nodad');
  expect(removeAddress('fd00::5', 'eth0')).toBe('address delete fd00::5/128 dev eth0');
});
