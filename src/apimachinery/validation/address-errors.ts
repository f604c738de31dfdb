// What is wrong with an address or a block, in the words of Go's net/netip.
import { quoted } from '../json/go-text.ts';

function refusal(whole: string, why: string, at = ''): string {
  const where = at === '' ? '' : ` (at ${quoted(at)})`;
  return `ParseAddr(${quoted(whole)}): ${why}${where}`;
}

/** Undefined: netip.ParseAddr takes it. */
export function addressError(text: string): string | undefined {
  const first = /[.:%]/.exec(text)?.[0];
  if (first === undefined) return refusal(text, 'unable to parse IP');
  if (first === '%') return refusal(text, 'missing IPv6 address');
  const found = first === '.' ? errorOfIPv4(text) : errorOfIPv6(text);
  return found && refusal(text, ...found);
}

/** Of a text that is no block of addresses. */
export function blockError(text: string): string {
  const refuse = (why: string) => `netip.ParsePrefix(${quoted(text)}): ${why}`;
  const slash = text.lastIndexOf('/');
  if (slash < 0) return refuse("no '/'");
  const [address, length] = [text.slice(0, slash), text.slice(slash + 1)];
  const wrong = addressError(address);
  if (wrong !== undefined) return refuse(wrong);
  if (address.includes('%')) return refuse('IPv6 zones cannot be present in a prefix');
  const isWritten = /^\d+$/.test(length) && (length.length === 1 || !length.startsWith('0'));
  if (!isWritten) return refuse(`bad bits after slash: ${quoted(length)}`);
  return refuse('prefix length out of range');
}

/** Why, and from where on. */
type Found = readonly [why: string, at?: string] | undefined;

function errorOfIPv4(text: string): Found {
  let value = 0;
  let digits = 0;
  let fields = 0;
  for (const [i, char] of [...text].entries()) {
    if (char === '.') {
      if (digits === 0 || i === text.length - 1) return ['IPv4 field must have at least one digit', text.slice(i)];
      if (fields === 3) return ['IPv4 address too long'];
      [fields, value, digits] = [fields + 1, 0, 0];
    } else if (/\d/.test(char)) {
      if (digits === 1 && value === 0) return ['IPv4 field has octet with leading zero'];
      value = value * 10 + Number(char);
      digits++;
      if (value > 255) return ['IPv4 field has value >255'];
    } else return ['unexpected character', text.slice(i)];
  }
  return fields < 3 ? ['IPv4 address too short'] : undefined;
}

function errorOfIPv6(text: string): Found {
  const zone = text.indexOf('%');
  if (zone === text.length - 1) return ['zone must be a non-empty string'];
  let rest = zone < 0 ? text : text.slice(0, zone);
  let isElided = rest.startsWith('::');
  if (isElided) rest = rest.slice(2);
  if (rest === '' && isElided) return undefined;
  let bytes = 0;
  while (bytes < 16) {
    const [digits = ''] = /^[0-9a-fA-F]*/.exec(rest) ?? [];
    if (digits.length > 4) return ['each group must have 4 or less digits', rest];
    if (digits === '') return ['each colon-separated field must have at least one digit', rest];
    if (rest[digits.length] === '.') return errorOfEmbedded(rest, { bytes, isElided });
    bytes += 2;
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (rest[0] !== ':') return ['unexpected character, want colon', rest];
    if (rest.length === 1) return ['colon must be followed by more characters', rest];
    rest = rest.slice(1);
    if (rest[0] !== ':') continue;
    if (isElided) return ['multiple :: in address', rest];
    isElided = true;
    rest = rest.slice(1);
    if (rest === '') break;
  }
  if (rest !== '') return ['trailing garbage after address', rest];
  if (bytes < 16 && !isElided) return ['address string too short'];
  return bytes === 16 && isElided ? ['the :: must expand to at least one field of zeros'] : undefined;
}

function errorOfEmbedded(
  rest: string,
  { bytes, isElided }: { readonly bytes: number; readonly isElided: boolean },
): Found {
  if (!isElided && bytes !== 12) return ['embedded IPv4 address must replace the final 2 fields of the address', rest];
  if (bytes > 12) return ['too many hex fields to fit an embedded IPv4 at the end of the address', rest];
  return errorOfIPv4(rest);
}
