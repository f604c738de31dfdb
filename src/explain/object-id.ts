import { type KubeObject, objectKey } from '../apimachinery/object.ts';

/** `Service default/web`: how items, traces, plans and the history name an object. */
export function idOf(object: Readonly<KubeObject>): string {
  return `${object.kind} ${objectKey(object)}`;
}
