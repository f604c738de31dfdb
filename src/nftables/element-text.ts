// The text of elements, as nft reads it, from the bytes that the kernel tells.
import { formatIP } from '../net/ip.ts';
import { type ElementEvent, type EventVerdict, littleEndian } from './events.ts';
import type { SetDeclaration } from './ruleset.ts';

/** The transport protocols of Services by their number. */
export const protocolNames: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

type Part = 'IPv4' | 'IPv6' | 'protocol' | 'port' | 'number';

const lengths: Readonly<Record<Part, number>> = { IPv4: 4, IPv6: 16, protocol: 1, port: 2, number: 4 };

const parts: ReadonlyMap<string, Part> = new Map([
  ['ipv4_addr', 'IPv4'],
  ['ip saddr', 'IPv4'],
  ['ip daddr', 'IPv4'],
  ['ipv6_addr', 'IPv6'],
  ['ip6 saddr', 'IPv6'],
  ['ip6 daddr', 'IPv6'],
  ['inet_proto', 'protocol'],
  ['meta l4proto', 'protocol'],
  ['inet_service', 'port'],
  ['th dport', 'port'],
]);

const verdicts: ReadonlyMap<number, string> = new Map([
  [1, 'accept'],
  [0, 'drop'],
  [-3, 'jump'],
  [-4, 'goto'],
  [-5, 'return'],
]);

function partOf(word: string): Part | undefined {
  return word.startsWith('numgen ') ? 'number' : parts.get(word);
}

function partText(part: Part, bytes: Uint8Array): string {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (part) {
    case 'IPv4':
    case 'IPv6':
      return formatIP({ family: part, value: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) });
    case 'protocol':
      return protocolNames.get(numbers.getUint8(0)) ?? String(numbers.getUint8(0));
    case 'port':
      return String(numbers.getUint16(0));
    case 'number':
      return String(numbers.getUint32(0, littleEndian));
  }
}

/** Undefined for types that are not known here. */
function concatenation(type: string, bytes: Uint8Array): string | undefined {
  const texts: string[] = [];
  let at = 0;
  for (const word of type.split(' . ')) {
    const part = partOf(word);
    if (!part || at + lengths[part] > bytes.length) return undefined;
    texts.push(partText(part, bytes.subarray(at, at + lengths[part])));
    // Each part begins at a register of four bytes.
    at += (lengths[part] + 3) & ~3;
  }
  return texts.join(' . ');
}

function valueText(type: string, value: Uint8Array | EventVerdict): string | undefined {
  if (value instanceof Uint8Array) return concatenation(type, value);
  const word = verdicts.get(value.code);
  return word && (value.chain === '' ? word : `${word} ${value.chain}`);
}

/**
 * Key and value of an element of the set, the value '' in a set without any; undefined where the bytes cannot be told in
 * text: ranges, and types that are not known here.
 */
export function elementText({ kind, type }: SetDeclaration, event: ElementEvent): [string, string] | undefined {
  if (event.keyEnd) return undefined;
  const [keyType = '', valueType = ''] = type.replace(/^type(of)? /, '').split(' : ');
  const key = concatenation(keyType, event.key);
  if (key === undefined) return undefined;
  if (kind === 'set') return [key, ''];
  // Who deletes needs not say the value.
  const value = event.value === undefined ? '' : valueText(valueType, event.value);
  return value === undefined ? undefined : [key, value];
}
