// The string formats that kube-apiserver checks (k8s.io/kube-openapi/pkg/validation/strfmt). Formats that are not listed
// here mean nothing.

import { looseDuration, parseGoDuration } from '../../../apimachinery/duration.ts';
import { table } from '../../../apimachinery/table.ts';
import { parseTime } from '../../../apimachinery/time.ts';
import { dns1123Label, dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { parseCIDRSloppy } from '../../../net/cidr.ts';
import { parseIPSloppy } from '../../../net/ip.ts';
import { isEmail } from './email.ts';
import type { JSONSchemaProps } from './props.ts';

const uuids = table<RegExp>({
  uuid: /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
  uuid3: /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
  uuid4: /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i,
  uuid5: /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i,
});

const letter = String.raw`[a-zA-Z0-9\p{S}\p{L}]`;
/** One label, or labels with dots and a name without digits at the end. */
const hostname = new RegExp(
  `^(?:${letter}(?:-?${letter}{0,62})?|(?:${letter}(?:[a-zA-Z0-9\\-\\p{S}\\p{L}]{0,61}${letter})?\\.)+[a-zA-Z\\p{L}]{2,63})$`,
  'u',
);

/** No part is longer than 63 bytes, all together not longer than 255. */
function isHostname(text: string): boolean {
  const bytes = (part: string) => Buffer.byteLength(part, 'utf8');
  return bytes(text) <= 255 && text.split('.').every((part) => bytes(part) <= 63) && hostname.test(text);
}

function isIPv4(text: string): boolean {
  return text.includes('.') && parseIPSloppy(text) !== undefined;
}

/** An IPv4 address written as one of IPv6 is one of both. */
function isIPv6(text: string): boolean {
  const parsed = text.includes(':') ? parseIPSloppy(text) : undefined;
  return parsed !== undefined && !parsed.leadingZeros;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined;
}

/** RFC 3339, with any character before the fraction of seconds. */
function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.toLowerCase().split('t');
  const match = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})$/u.exec(time);
  return match !== null && isDate(date) && match[1]! <= '23' && match[2]! <= '59' && match[3]! <= '59';
}

function isDuration(text: string): boolean {
  return parseGoDuration(text) !== undefined || looseDuration(text) !== undefined;
}

/** As net/url.ParseRequestURI: with a scheme, or from the root. */
function isUri(text: string): boolean {
  if (text === '' || hasControl(text) || text === '*') return text === '*';
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text);
  if (text.startsWith(':')) return false;
  const rest = scheme ? text.slice(scheme[0].length) : text;
  const [path = '', ...query] = rest.split('?');
  if (query.length === 0 && rest === '') return false;
  if (!path.startsWith('/')) return scheme !== null;
  const authority = scheme && path.startsWith('//') && !path.startsWith('///') ? /^\/\/([^/]*)/.exec(path) : null;
  if (authority && !isAuthority(authority[1]!)) return false;
  return hasRightEscapes(authority ? path.slice(authority[0].length) : path);
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  return /[\x00-\x1f\x7f]/.test(text);
}

function hasRightEscapes(text: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(text);
}

/** `user@host:port` of a URL. */
function isAuthority(authority: string): boolean {
  const at = authority.lastIndexOf('@');
  const [user, host] = at < 0 ? ['', authority] : [authority.slice(0, at), authority.slice(at + 1)];
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) || !hasRightEscapes(user)) return false;
  const match = host.startsWith('[') ? /^\[([^\]]*)\](.*)$/.exec(host) : /^([^:]*)(.*)$/.exec(host);
  if (!match || !/^(:[0-9]*)?$/.test(match[2]!)) return false;
  if (host.startsWith('[')) return parseIPSloppy(match[1]!.replace(/%25.+$/, ''))?.ip !== undefined;
  return !/[\s"<>\\^`{|}]/.test(match[1]!) && !/%(?![89a-fA-F][0-9a-fA-F])/.test(match[1]!);
}

const creditCard =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '');
  if (!creditCard.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isISBN10(text: string): boolean {
  const clean = text.replace(/[\s-]+/g, '');
  if (!/^\d{9}[\dX]$/.test(clean)) return false;
  return [...clean].reduce((sum, c, i) => sum + (10 - i) * (c === 'X' ? 10 : Number(c)), 0) % 11 === 0;
}

function isISBN13(text: string): boolean {
  const clean = text.replace(/[\s-]+/g, '');
  return (
    /^\d{13}$/.test(clean) && [...clean].reduce((sum, c, i) => sum + Number(c) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0
  );
}

/** As net.ParseMAC: 6, 8 or 20 bytes in hexadecimal, in twos with `:` or `-`, in fours with `.`, or all in one. */
function isMAC(text: string): boolean {
  const isGrouped =
    /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2})*$/i.test(text) || /^[0-9a-f]{4}(\.[0-9a-f]{4})+$/i.test(text);
  const isPlain = /^[0-9a-f]+$/i.test(text);
  return (isGrouped || isPlain) && [12, 16, 40].includes(text.replace(/[:.-]/g, '').length);
}

const byte = String.raw`\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*`;
const rgb = new RegExp(`^rgb\\(${byte},${byte},${byte}\\)$`);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;

const checks = table<(text: string) => boolean>({
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: isUri,
  email: isEmail,
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: (text) => parseCIDRSloppy(text) !== undefined,
  mac: isMAC,
  ...Object.fromEntries(Object.entries(uuids).map(([name, pattern]) => [name, (text: string) => pattern.test(text)])),
  isbn: (text) => isISBN10(text) || isISBN13(text),
  isbn10: isISBN10,
  isbn13: isISBN13,
  creditcard: isCreditCard,
  ssn: (text) => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => rgb.test(text),
  byte: (text) => base64.test(text),
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: isDateTime,
  'k8s-short-name': (text) => dns1123Label(text).length === 0,
  'k8s-long-name': (text) => dns1123Subdomain(text).length === 0,
});

/** `date-time` is `datetime`, and so with all formats: hyphens do not count. */
const byPlainName = table(
  Object.fromEntries(Object.entries(checks).map(([name, check]) => [name.replaceAll('-', ''), check])),
);

const ofNumbers = table<readonly string[]>({
  integer: ['int32', 'int64'],
  number: ['float', 'double'],
});

/** The format of a schema where it means anything for the type; others are ignored, and are the empty text. */
export function formatOf({ type = '', format = '' }: JSONSchemaProps): string {
  if (format === '') return '';
  if (type === '' || type === 'string') return byPlainName[format.replaceAll('-', '')] ? format : '';
  return ofNumbers[type]?.includes(format) ? format : '';
}

export function hasFormat(text: string, format: string): boolean {
  return byPlainName[format.replaceAll('-', '')]?.(text) ?? true;
}
