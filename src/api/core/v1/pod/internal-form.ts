// Values as kube-apiserver's own types print them as JSON, for messages that show a value as a whole or the difference
// of two.
import { table } from '../../../../apimachinery/table.ts';
import { unifiedDiff } from '../../../../apimachinery/unified-diff.ts';
import type { PodSpec } from '../types.generated.ts';
import { internalTypes } from './internal-types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The value, as an object of the API has it, under the names of a type of internal-types.ts. */
export function internalForm(type: string, value: object | undefined): Record<string, unknown> {
  const source = (value ?? {}) as Fields;
  const result: Record<string, unknown> = {};
  for (const field of internalTypes[type]!.split(' ')) {
    if (field === '^metadata') Object.assign(result, source.metadata);
    else if (field.startsWith('^')) Object.assign(result, internalForm(field.slice(1), value));
    else {
      const [names = '', fieldType = ''] = field.split(':');
      const [goName = '', jsonName = goName[0]!.toLowerCase() + goName.slice(1)] = names.split('=');
      result[goName] = internalValue(fieldType, source[jsonName]);
    }
  }
  return result;
}

function internalValue(type: string, value: unknown): unknown {
  if (type.startsWith('[]')) {
    const items = type.slice(2);
    if (!Array.isArray(value)) return null;
    return items === '' ? value : value.map((item: object) => internalForm(items, item));
  }
  if (type.startsWith('*')) {
    const target = type.slice(1);
    if (value === undefined || value === null) return null;
    return target === '' || target === 'json' ? value : internalForm(target, value as object);
  }
  if (type === 'map') return sortedMap(value);
  const zero = { string: '', int: 0, bool: false, quantity: '0', json: 0 }[type];
  return zero === undefined ? internalForm(type, value as object | undefined) : (value ?? zero);
}

/** Go prints maps in order of their keys. */
function sortedMap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of a Pod's spec: what it shares with its node stands in the security context. */
export function internalPodSpec(spec: PodSpec): Record<string, unknown> {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const shared = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  return internalForm('PodSpec', { ...spec, securityContext: { ...spec.securityContext, ...shared } });
}

/** What differs, as kube-apiserver shows it: hunks of the values as indented JSON. */
export function internalDiff(old: unknown, now: unknown): string {
  return unifiedDiff(goJson(old), goJson(now));
}

/** Go's encoder writes these characters so that the text can stand in a page. */
function goJson(value: unknown): string[] {
  const escaped = table<string>({ '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' });
  return JSON.stringify(value, null, 1)
    .replace(/[<>&]/g, (character) => escaped[character]!)
    .split('\n');
}
