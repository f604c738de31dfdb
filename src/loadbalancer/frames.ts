// Ethernet frames that tell a segment where an address is now: gratuitous ARP (RFC 5227, 5944) and unsolicited neighbor
// advertisements (RFC 4861, 7.2.6). Pure.
import { type IP, parseIP } from '../net/ip.ts';

const etherTypes = { arp: 0x0806, ipv6: 0x86dd };
const broadcast = Buffer.from('ffffffffffff', 'hex');
/** Of ff02::1, all nodes. */
const allNodesMac = Buffer.from('333300000001', 'hex');
const allNodes = Buffer.from(`ff02${'00'.repeat(13)}01`, 'hex');

/** All frames have this length: those shorter are padded, which receivers look past, since the packets tell their own. */
export const frameLength = 128;

/** The frames by which a link's address (`02:42:…`) becomes that of an IP address; none for a text that is no address. */
export function announcement(ip: string, mac: string): Buffer[] {
  const parsed = parseIP(ip);
  if (!parsed) return [];
  const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
  // Some neighbors learn from requests only, others from replies only.
  const frames =
    parsed.family === 'IPv4'
      ? [arp(parsed, hardware, 1), arp(parsed, hardware, 2)]
      : [neighborAdvertisement(parsed, hardware)];
  return frames.map((frame) => Buffer.concat([frame, Buffer.alloc(frameLength - frame.length)]));
}

function bytesOf({ family, value }: IP): Buffer {
  return Buffer.from(value.toString(16).padStart(family === 'IPv4' ? 8 : 32, '0'), 'hex');
}

function ethernet(to: Buffer, from: Buffer, type: number): Buffer {
  return Buffer.concat([to, from, Buffer.from([type >> 8, type & 0xff])]);
}

/** Sender and target are the same address. Operation 1 asks, 2 answers. */
function arp(ip: IP, mac: Buffer, operation: 1 | 2): Buffer {
  const header = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  const target = operation === 1 ? Buffer.alloc(6) : broadcast;
  return Buffer.concat([ethernet(broadcast, mac, etherTypes.arp), header, mac, bytesOf(ip), target, bytesOf(ip)]);
}

const icmpv6 = 58;
const neighborAdvertisementType = 136;
/** Router, since nodes forward, and Override: what a neighbor knew is out of date. */
const flags = 0x80 | 0x20;
const targetLinkLayerAddress = 2;

function neighborAdvertisement(ip: IP, mac: Buffer): Buffer {
  const source = bytesOf(ip);
  const message = Buffer.concat([
    Buffer.from([neighborAdvertisementType, 0, 0, 0, flags, 0, 0, 0]),
    source,
    Buffer.from([targetLinkLayerAddress, 1]),
    mac,
  ]);
  message.writeUInt16BE(checksum(Buffer.concat([source, allNodes, pseudoTail(message.length), message])), 2);
  const header = Buffer.from([0x60, 0, 0, 0, 0, message.length, icmpv6, 255]);
  return Buffer.concat([ethernet(allNodesMac, mac, etherTypes.ipv6), header, source, allNodes, message]);
}

function pseudoTail(length: number): Buffer {
  return Buffer.from([0, 0, 0, length, 0, 0, 0, icmpv6]);
}

/** RFC 1071, of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
