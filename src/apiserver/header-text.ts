// Text in headers: Node.js hands bytes over as Latin-1, and takes them so; what they say is UTF-8.

const ascii = /^[\0-\x7f]*$/;
/** What all ends of HTTP read alike in a value: nothing beyond ASCII, and of controls the tab alone (RFC 9110, section 5.5). */
const plain = /^[\t -~]*$/;

export function isPlainValue(value: string): boolean {
  return plain.test(value);
}

export function headerText(value: string): string {
  return ascii.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
}

/** The other way round: throws nothing, where Node.js would throw for what is not Latin-1. */
export function headerBytes(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
