// Which Services select a pod, and which pods a Service selects.
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { Informer } from '../../client/types.ts';
import { followPairs } from './label-lookup.ts';
import { LabelPairIndex, pairsOf } from './label-pair-index.ts';
import { endpointsDiffer } from './services.ts';

export interface ServiceSelection {
  /** Pods of a Service with a selector, in no order. */
  podsOf(service: Readonly<Service>): Readonly<Pod>[];
  /** `changed` is told the key of each Service whose endpoints a pod that came, changed or went may change. */
  follow(changed: (service: string) => void): void;
}

export function createServiceSelection(services: Informer<Service>, pods: Informer<Pod>): ServiceSelection {
  const serviceIndex = new LabelPairIndex<string>();
  const podIndex = new LabelPairIndex<string>();
  followPairs(services, serviceIndex, firstPair);
  followPairs(pods, podIndex, (pod) => pairsOf(pod.metadata.labels));
  const servicesOf = ({ metadata: { namespace = '', labels } }: Readonly<Pod>): string[] => {
    const found: string[] = [];
    for (const pair of pairsOf(labels)) {
      for (const key of serviceIndex.get(namespace, pair)) {
        const service = services.lister.get(nameOf(key), namespace);
        if (service && selects(service.spec.selector, labels)) found.push(key);
      }
    }
    return found;
  };
  return {
    podsOf(service) {
      const { namespace = '' } = service.metadata;
      const [pair] = firstPair(service);
      if (pair === undefined) return [];
      const found: Readonly<Pod>[] = [];
      for (const key of podIndex.get(namespace, pair)) {
        const pod = pods.lister.get(nameOf(key), namespace);
        if (pod && selects(service.spec.selector, pod.metadata.labels)) found.push(pod);
      }
      return found;
    },
    follow(changed) {
      const tell = (pod: Readonly<Pod>) => servicesOf(pod).forEach(changed);
      pods.addHandler({
        added: tell,
        updated(pod, old) {
          if (!endpointsDiffer(pod, old)) return;
          tell(pod);
          tell(old);
        },
        deleted: tell,
      });
    },
  };
}

/** Does the selector want exactly labels that are there? An empty one selects nothing. */
export function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

/** A Service is found by one of its pairs: a pod that it selects has that one too. */
function firstPair(service: Readonly<Service>): string[] {
  return pairsOf(service.spec.selector).slice(0, 1);
}

function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
