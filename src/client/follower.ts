// Tells a follower what a reflector finds; nothing of it is kept.
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { deepFreeze } from './deep-freeze.ts';
import { guarded } from './guarded.ts';
import type { InformerOptions } from './informer.ts';
import type { ReflectorSink } from './reflector.ts';
import type { Follower } from './types.ts';

export function sinkOf(
  follower: Follower,
  resource: GroupVersionResource,
  options: InformerOptions,
): ReflectorSink<KubeObject> {
  const tell = (call: () => void) => guarded(call, resource, options);
  const seen = (object: KubeObject, isNew: boolean) => {
    if (options.freeze) deepFreeze(object);
    tell(() => follower.seen(object, isNew));
  };
  return {
    listed(objects, { isFirst, isLast }) {
      if (isFirst) tell(() => follower.listing());
      for (const object of objects) seen(object, false);
      if (isLast) tell(() => follower.listed());
    },
    changed(type, object) {
      if (type === 'DELETED') tell(() => follower.gone(object));
      else seen(object, type === 'ADDED');
    },
  };
}
