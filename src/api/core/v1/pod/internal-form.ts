// Values as kube-apiserver's own types print them as JSON, for messages that show a value as a whole or the difference
// of two.
import type { LabelSelector, ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { table } from '../../../../apimachinery/table.ts';
import { unifiedDiff } from '../../../../apimachinery/unified-diff.ts';
import { printedMap, printedSelector } from '../../../validation/printed.ts';
import type { PodSpec, PodTemplateSpec } from '../types.generated.ts';
import { internalTypes } from './internal-types.ts';

type Fields = Readonly<Record<string, unknown>>;

type Types = Readonly<Record<string, string>>;

/** The value, as an object of the API has it, under the names of a type of internal-types.ts, or of `types` of the same form. */
export function internalForm(
  type: string,
  value: object | undefined,
  types: Types = internalTypes,
): Record<string, unknown> {
  const source = (value ?? {}) as Fields;
  const result: Record<string, unknown> = {};
  for (const field of types[type]!.split(' ')) {
    if (field === '^metadata') Object.assign(result, metadataForm(source.metadata as ObjectMeta | undefined));
    else if (field.startsWith('^')) Object.assign(result, internalForm(field.slice(1), value, types));
    else {
      const [names = '', fieldType = ''] = field.split(':');
      const [goName = '', jsonName = goName[0]!.toLowerCase() + goName.slice(1)] = names.split('=');
      result[goName] = internalValue(fieldType, source[jsonName], types);
    }
  }
  return result;
}

function internalValue(type: string, value: unknown, types: Types): unknown {
  if (type.startsWith('[]')) {
    const items = type.slice(2);
    if (!Array.isArray(value)) return null;
    return items === '' ? value : value.map((item: object) => internalForm(items, item, types));
  }
  if (type.startsWith('*')) {
    const target = type.slice(1);
    if (value === undefined || value === null) return null;
    if (target === 'selector') return printedSelector(value as LabelSelector);
    return target === '' || target === 'json' ? value : internalForm(target, value as object, types);
  }
  if (type === 'map') return printedMap(value);
  const zero = { string: '', int: 0, bool: false, quantity: '0', json: 0 }[type];
  return zero === undefined ? internalForm(type, value as object | undefined, types) : (value ?? zero);
}

/** Of a Pod's spec: what it shares with its node stands in the security context. */
export function internalPodSpec(spec: PodSpec): Fields {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const shared = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  return internalForm('PodSpec', { ...spec, securityContext: { ...spec.securityContext, ...shared } });
}

/** What makes Pods: metadata stands beside the spec. */
export function internalPodTemplate(template: PodTemplateSpec | undefined): Fields {
  return { ...metadataForm(template?.metadata), Spec: internalPodSpec(template?.spec ?? { containers: [] }) };
}

/** Metadata has the names of the API, in the order of its type. */
function metadataForm(metadata: ObjectMeta | undefined): Fields {
  const { labels, annotations, ownerReferences, finalizers, ...others } = metadata ?? {};
  return {
    ...others,
    ...(labels && Object.keys(labels).length > 0 && { labels: printedMap(labels) }),
    ...(annotations && Object.keys(annotations).length > 0 && { annotations: printedMap(annotations) }),
    ...(ownerReferences && { ownerReferences }),
    ...(finalizers && { finalizers }),
  };
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
