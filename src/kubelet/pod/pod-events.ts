import type { Container, Pod } from '../../api/core/v1/types.generated.ts';
import type { EventRecorder, EventText } from '../../client/events.ts';
import { containerFieldPath } from './containers.ts';

/** Says what happened to a pod, or to one of its containers. */
export function recordPodEvent(
  recorder: EventRecorder,
  pod: Pod,
  event: EventText,
  container: Container | undefined,
): void {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  recorder.event(
    {
      kind: 'Pod',
      apiVersion: 'v1',
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(container && { fieldPath: containerFieldPath(pod, container.name) }),
    },
    event,
  );
}
