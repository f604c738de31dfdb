// The string formats that kube-apiserver checks (k8s.io/kube-openapi/pkg/validation/strfmt). Formats that are not listed
// here mean nothing.

import { table } from '../../../apimachinery/table.ts';
import { parseTime } from '../../../apimachinery/time.ts';
import { dns1123Label, dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { parseCIDRSloppy } from '../../../net/cidr.ts';
import { parseIP } from '../../../net/ip.ts';

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const hostname =
  /^([a-zA-Z0-9¡-￿]((-?[a-zA-Z0-9¡-￿]{0,62})?[a-zA-Z0-9¡-￿])?)(\.([a-zA-Z0-9¡-￿]((-?[a-zA-Z0-9¡-￿]{0,62})?[a-zA-Z0-9¡-￿])?))*(\.([a-zA-Z0-9¡-￿]){2,63})?\.?$/;
const units: readonly string[] = ['ns', 'us', 'µs', 'ms', 's', 'm', 'h', 'd', 'w'];

const isUUID = (version: string) => (text: string) =>
  uuid.test(text) && (version === '' || text.replaceAll('-', '')[12] === version);

function isIP(family: 4 | 6): (text: string) => boolean {
  return (text) => parseIP(text) !== undefined && text.includes(':') === (family === 6);
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && parseTime(`${text}T00:00:00Z`) !== undefined;
}

/** RFC 3339, and what go-openapi takes beside it: without seconds' fraction, without a zone, without a time. */
function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([zZ]|[+-]\d\d:?\d\d)?$/.exec(text);
  return match !== null && isDate(match[1]!) && parseTime(`${match[1]}T${match[2]}Z`) !== undefined;
}

function isDuration(text: string): boolean {
  const term = /^\s*[+-]?((\d+(\.\d*)?|\.\d+)\s*([a-zµ]+)\s*)+$/i;
  if (text === '0') return true;
  if (!term.test(text)) return false;
  return [...text.matchAll(/[a-zµ]+/gi)].every(
    ([unit]) => units.includes(unit) || /^(nano|micro|milli|sec|min|h|d|w)/i.test(unit),
  );
}

function isUri(text: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) ? URL.canParse(text) : text.startsWith('/');
}

function passesLuhn(text: string): boolean {
  const digits = text.replace(/[ -]/g, '');
  if (!/^\d{13,19}$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isISBN10(text: string): boolean {
  const clean = text.replace(/[ -]/g, '');
  if (!/^\d{9}[\dX]$/.test(clean)) return false;
  return [...clean].reduce((sum, c, i) => sum + (10 - i) * (c === 'X' ? 10 : Number(c)), 0) % 11 === 0;
}

function isISBN13(text: string): boolean {
  const clean = text.replace(/[ -]/g, '');
  return (
    /^\d{13}$/.test(clean) && [...clean].reduce((sum, c, i) => sum + Number(c) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0
  );
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const checks = table<(text: string) => boolean>({
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  uri: isUri,
  email: (text) => /^[^\s@<>()[\],;:"\\]+@[^\s@<>()[\],;:"\\]+$/.test(text),
  hostname: (text) => text.length <= 255 && hostname.test(text),
  ipv4: isIP(4),
  ipv6: isIP(6),
  cidr: (text) => parseCIDRSloppy(text) !== undefined,
  mac: (text) =>
    /^([0-9a-f]{2}[:-]){5}([0-9a-f]{2}[:-]){0,14}[0-9a-f]{2}$/i.test(text) ||
    /^([0-9a-f]{4}\.){2,}[0-9a-f]{4}$/i.test(text),
  uuid: isUUID(''),
  uuid3: isUUID('3'),
  uuid4: isUUID('4'),
  uuid5: isUUID('5'),
  isbn: (text) => isISBN10(text) || isISBN13(text),
  isbn10: isISBN10,
  isbn13: isISBN13,
  creditcard: passesLuhn,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => {
    const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/i.exec(text);
    return match?.slice(1).every((part) => Number(part) <= 255) ?? false;
  },
  byte: (text) => base64.test(text),
  password: () => true,
  date: isDate,
  duration: isDuration,
  'date-time': isDateTime,
  datetime: isDateTime,
  'k8s-short-name': (text) => dns1123Label(text).length === 0,
  'k8s-long-name': (text) => dns1123Subdomain(text).length === 0,
});

/** Whether a format means anything; others are ignored. */
export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(checks, format);
}

export function hasFormat(text: string, format: string): boolean {
  return checks[format]?.(text) ?? true;
}
