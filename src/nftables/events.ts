// What the kernel tells of changes to nftables: netlink messages, numbered as in linux/netfilter/nf_tables.h.

/** What one rule, chain, set or element came or went. Objects and flowtables are told of as those of their table. */
export type NftEvent =
  /** Ends the events of one transaction. */
  | { readonly kind: 'generation' }
  | (NftSubject & { readonly kind: 'table' | 'set' | 'other' })
  | (NftSubject & { readonly kind: 'chain'; readonly chain: string })
  /** With the chains that the rule jumps or goes to, whatever it matches; lookups in maps are not followed. */
  | (NftSubject & { readonly kind: 'rule'; readonly chain: string; readonly jumps: readonly string[] })
  | ElementEvent;

interface NftSubject {
  readonly verb: 'add' | 'delete';
  /** As nft names it (`ip`, `inet`); empty for one that is not known here. */
  readonly family: string;
  readonly table: string;
}

/** An element with its bytes: parts of a concatenation are padded to four each. */
export interface ElementEvent extends NftSubject {
  readonly kind: 'element';
  readonly set: string;
  readonly key: Uint8Array;
  /** Present for elements that are ranges. */
  readonly keyEnd?: Uint8Array | undefined;
  /** The value that a map has for the key; undefined for elements of sets. */
  readonly value?: Uint8Array | EventVerdict | undefined;
}

export interface EventVerdict {
  /** NF_DROP (0), NF_ACCEPT (1), or negative as NFT_JUMP (-3). */
  readonly code: number;
  readonly chain: string;
}

const headerLength = 16;
const subsystem = 10;

const families: ReadonlyMap<number, string> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [3, 'arp'],
  [5, 'netdev'],
  [7, 'bridge'],
  [10, 'ip6'],
]);

/** By message type: what it is of, and whether that came or went. */
const messages: ReadonlyMap<number, readonly [kind: NftEvent['kind'], verb: 'add' | 'delete']> = new Map([
  [0, ['table', 'add']],
  [2, ['table', 'delete']],
  [3, ['chain', 'add']],
  [5, ['chain', 'delete']],
  [6, ['rule', 'add']],
  [8, ['rule', 'delete']],
  [9, ['set', 'add']],
  [11, ['set', 'delete']],
  [12, ['element', 'add']],
  [14, ['element', 'delete']],
  [15, ['generation', 'add']],
  [18, ['other', 'add']],
  [20, ['other', 'delete']],
  [22, ['other', 'add']],
  [24, ['other', 'delete']],
]);

/** Numbers of lengths and types are in the byte order of the machine. */
export const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The attributes of a message or of another attribute, in their order; a list has many of one type. */
function* attributes(bytes: Uint8Array): Iterable<readonly [type: number, value: Uint8Array]> {
  const numbers = view(bytes);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = numbers.getUint16(at, littleEndian);
    if (length < 4) return;
    // The two highest bits are flags.
    yield [numbers.getUint16(at + 2, littleEndian) & 0x3fff, bytes.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

function attribute(bytes: Uint8Array | undefined, type: number): Uint8Array | undefined {
  for (const [own, value] of attributes(bytes ?? new Uint8Array())) if (own === type) return value;
  return undefined;
}

const decoder = new TextDecoder();

/** Names end with a zero byte. */
function name(bytes: Uint8Array | undefined): string {
  return bytes ? decoder.decode(bytes.subarray(0, -1)) : '';
}

/** What NFTA_DATA_VALUE or NFTA_DATA_VERDICT hold. */
function dataOf(bytes: Uint8Array | undefined): Uint8Array | EventVerdict | undefined {
  const verdict = attribute(bytes, 2);
  if (!verdict) return attribute(bytes, 1);
  const code = attribute(verdict, 1);
  return { code: code ? view(code).getInt32(0) : 0, chain: name(attribute(verdict, 2)) };
}

/** The chains that the expressions of a rule lead to: each is an `immediate` with a verdict. */
function jumpsOf(expressions: Uint8Array | undefined): string[] {
  const jumps: string[] = [];
  for (const [, expression] of attributes(expressions ?? new Uint8Array())) {
    if (name(attribute(expression, 1)) !== 'immediate') continue;
    const data = dataOf(attribute(attribute(expression, 2), 2));
    if (data && 'chain' in data && data.chain !== '') jumps.push(data.chain);
  }
  return jumps;
}

function* elementsOf(subject: NftSubject, body: Uint8Array): Iterable<ElementEvent> {
  const set = name(attribute(body, 2));
  for (const [, element] of attributes(attribute(body, 3) ?? new Uint8Array())) {
    const key = dataOf(attribute(element, 1));
    const keyEnd = dataOf(attribute(element, 10));
    yield {
      ...subject,
      kind: 'element',
      set,
      key: key instanceof Uint8Array ? key : new Uint8Array(),
      keyEnd: keyEnd instanceof Uint8Array ? keyEnd : undefined,
      value: dataOf(attribute(element, 2)),
    };
  }
}

function* eventsOf(message: Uint8Array): Iterable<NftEvent> {
  const type = view(message).getUint16(4, littleEndian);
  const [kind, verb] = (type >> 8 === subsystem ? messages.get(type & 0xff) : undefined) ?? [];
  if (kind === undefined || verb === undefined) return;
  if (kind === 'generation') {
    yield { kind };
    return;
  }
  // Then comes struct nfgenmsg, whose first byte is the family.
  const body = message.subarray(headerLength + 4);
  const family = families.get(message[headerLength] ?? 0) ?? '';
  const subject: NftSubject = { verb, family, table: name(attribute(body, 1)) };
  if (kind === 'element') yield* elementsOf(subject, body);
  else if (kind === 'chain') yield { ...subject, kind, chain: name(attribute(body, 3)) };
  else if (kind === 'rule') {
    yield { ...subject, kind, chain: name(attribute(body, 2)), jumps: jumpsOf(attribute(body, 4)) };
  } else yield { ...subject, kind };
}

/** Reads events from pieces of a stream of messages, wherever the pieces end. */
export class NftEventReader {
  #rest = new Uint8Array();

  *read(piece: Uint8Array): Iterable<NftEvent> {
    const bytes = new Uint8Array(this.#rest.length + piece.length);
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    let at = 0;
    while (at + headerLength <= bytes.length) {
      const length = view(bytes).getUint32(at, littleEndian);
      if (length < headerLength || at + length > bytes.length) break;
      yield* eventsOf(bytes.subarray(at, at + length));
      at += (length + 3) & ~3;
    }
    this.#rest = bytes.slice(at);
  }
}
