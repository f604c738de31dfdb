// Facts about Services that the endpoint controllers share.
import { isPodReady, isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import { podCondition } from './pods.ts';

/** Do the endpoint controllers keep endpoints for it? */
export function hasManagedEndpoints({ spec }: Readonly<Service>): boolean {
  return spec.selector !== undefined && Object.keys(spec.selector).length > 0 && spec.type !== 'ExternalName';
}

export function isHeadless({ spec }: Readonly<Service>): boolean {
  return !spec.clusterIP || spec.clusterIP === 'None';
}

/**
 * Finds, for each Service, the earliest change since it was last asked: the Service's creation, or a pod that turned
 * ready or unready.
 */
export class TriggerTimes {
  readonly #known = new Map<string, { service: string; pods: Map<string, string> }>();

  /** RFC 3339, or undefined when nothing changed. The first time it is the Service's creation. */
  next(key: string, service: Readonly<Service>, pods: readonly Readonly<Pod>[]): string | undefined {
    const created = service.metadata.creationTimestamp ?? '';
    const known = this.#known.get(key);
    const seen = new Map<string, string>();
    const changes: string[] = [];
    for (const pod of pods) {
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      if (!time) continue;
      seen.set(pod.metadata.name, time);
      if (time > (known?.pods.get(pod.metadata.name) ?? '')) changes.push(time);
    }
    this.#known.set(key, { service: created, pods: seen });
    if (!known) return created || undefined;
    if (created > known.service) changes.push(created);
    return changes.sort()[0];
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}

/** Does the change of a pod matter to the endpoints of the Services that select it? */
export function endpointsDiffer(pod: Readonly<Pod>, old: Readonly<Pod>): boolean {
  const facts = (p: Readonly<Pod>) =>
    JSON.stringify([
      p.metadata.labels,
      p.metadata.deletionTimestamp !== undefined,
      p.spec.hostname,
      p.spec.subdomain,
      p.spec.nodeName,
      isPodTerminal(p),
      p.status?.podIPs ?? p.status?.podIP,
      isPodReady(p),
    ]);
  return facts(pod) !== facts(old);
}
