// Names on the wire: labels with a length byte each, or a pointer back (RFC 1035, 3.1 and 4.1.4).

/** A message that breaks the rules of its format: the answer is FORMERR. */
export class FormatError extends Error {}

const printable = (byte: number): boolean => byte > 0x20 && byte < 0x7f;

const needsEscape = (byte: number): boolean => byte === 0x2e || byte === 0x5c || !printable(byte);

/** The bytes of one label as zone-file text. */
function labelText(packet: Buffer, start: number, end: number): string {
  let plain = true;
  for (let i = start; i < end && plain; i++) plain = !needsEscape(packet[i]!);
  if (plain) return packet.toString('latin1', start, end);
  let text = '';
  for (const byte of packet.subarray(start, end)) {
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (printable(byte)) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** Reads the name at `offset`; `end` is where the next field starts. */
export function readName(packet: Buffer, offset: number): { name: string; end: number } {
  let name = '';
  let end = -1;
  let position = offset;
  let length = 0;
  for (;;) {
    const size = packet[position];
    if (size === undefined) throw new FormatError('a name runs over the end');
    if (size === 0) break;
    if (size >= 0xc0) {
      const low = packet[position + 1];
      if (low === undefined) throw new FormatError('a pointer runs over the end');
      const target = ((size & 0x3f) << 8) | low;
      if (end < 0) end = position + 2;
      // A pointer goes strictly back, so that following pointers ends.
      if (target >= position) throw new FormatError('a pointer leads forward');
      position = target;
      continue;
    }
    if (size > 63) throw new FormatError('a label of an unknown kind');
    length += size + 1;
    if (length > 254) throw new FormatError('a name is longer than 255 bytes');
    const next = position + 1 + size;
    if (next > packet.length) throw new FormatError('a label runs over the end');
    name += `${labelText(packet, position + 1, next)}.`;
    position = next;
  }
  return { name: name === '' ? '.' : name, end: end < 0 ? position + 1 : end };
}

/** The labels of a name, escapes kept: `a.b.` -> [`a`, `b`]. */
export function labelsOf(name: string): string[] {
  if (name === '.' || name === '') return [];
  const absolute = name.endsWith('.') && !name.endsWith('\\.') ? name.slice(0, -1) : name;
  if (!absolute.includes('\\')) return absolute.split('.');
  return absolute.match(/(?:\\.|[^.\\])+/gs) ?? [];
}

/** Where the label that starts at `start` ends: at its dot. */
export function endOfLabel(name: string, start: number): number {
  const dot = name.indexOf('.', start);
  if (dot >= 0 && name[dot - 1] !== '\\') return dot;
  let end = start;
  // What follows a backslash is part of the label.
  while (end < name.length && name[end] !== '.') end += name[end] === '\\' ? 2 : 1;
  return end;
}

/** Whether a lower-case name is the domain or below it. A dot behind a backslash is part of a label. */
export function isWithin(name: string, domain: string): boolean {
  if (name === domain || domain === '.') return true;
  const dot = name.length - domain.length - 1;
  if (!name.endsWith(domain) || name[dot] !== '.') return false;
  let backslashes = 0;
  while (name[dot - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 0;
}

/** The bytes of one label as it goes on the wire, without its length. Throws FormatError when it is empty or too long. */
export function labelBytes(label: string): Buffer {
  const bytes = label.includes('\\')
    ? Buffer.from(
        label.replace(/\\(\d{3}|.)/gs, (_, e: string) => (e.length === 3 ? String.fromCharCode(Number(e)) : e)),
        'latin1',
      )
    : Buffer.from(label, 'latin1');
  checkLabel(bytes);
  return bytes;
}

/** Throws FormatError for a label that is empty or too long. As a text it has no escapes. */
export function checkLabel({ length }: Uint8Array | string): void {
  if (length === 0 || length > 63) throw new FormatError(`a label of ${length} bytes`);
}
