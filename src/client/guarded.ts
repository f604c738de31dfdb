import type { GroupVersionResource } from '../apimachinery/object.ts';
import type { ReflectorOptions } from './reflector.ts';

/** Calls a handler of a resource's changes: an error of its must not stop the others, nor the watch. */
export function guarded(
  call: () => void,
  { resource }: GroupVersionResource,
  { onError }: Pick<ReflectorOptions, 'onError'>,
): void {
  try {
    call();
  } catch (error) {
    onError?.(error, `handler of ${resource}`);
  }
}
