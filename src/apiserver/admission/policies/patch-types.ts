// The types of which the expressions of a mutating policy make values: `Object{spec: Object.spec{…}}` and `JSONPatch{…}`.
import { table } from '../../../apimachinery/table.ts';
import { dyn, type ObjectField, type ObjectType, objectType, string } from '../../../cel/types.ts';

/** Every field there may be: what fits the object's schema is found out when the value is applied. */
class AnyField extends Map<string, ObjectField> {
  override get(name: string): ObjectField {
    return { type: dyn, jsonName: unescapeField(name) };
  }
}

const escapes = table<string>({
  underscores: '__',
  dot: '.',
  dash: '-',
  slash: '/',
});

function unescapeField(name: string): string {
  return name.replace(/__(underscores|dot|dash|slash)__/g, (_all, what: string) => escapes[what] ?? '');
}

export const jsonPatchType: ObjectType = objectType('JSONPatch', {
  op: string,
  path: string,
  from: string,
  value: dyn,
});

/** `Object`, `Object.spec`, `Object.spec.template`, …, and JSONPatch. */
export function applyTypes(name: string): ObjectType | undefined {
  if (name === 'JSONPatch') return jsonPatchType;
  if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
  return { kind: 'object', name, fields: new AnyField() };
}
