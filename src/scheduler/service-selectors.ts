// What the Services that select a pod want of its labels: by that its like are known, and spread.
import type { Pod, Service } from '../api/core/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import type { Informer } from '../client/types.ts';

type Labels = Readonly<Record<string, string>>;

/** Services are found by the first pair of their selector, which every pod that they select has. */
export class ServiceSelectors {
  readonly #byPair = new Map<string, Map<string, Labels>>();
  readonly #pairs = new Map<string, string>();

  follow(informer: Informer<Service>): void {
    const forget = (service: Readonly<Service>) => {
      const key = objectKey(service);
      const pair = this.#pairs.get(key);
      if (pair === undefined) return;
      this.#pairs.delete(key);
      const services = this.#byPair.get(pair);
      services?.delete(key);
      if (services?.size === 0) this.#byPair.delete(pair);
    };
    const note = (service: Readonly<Service>) => {
      forget(service);
      const [first] = Object.entries(service.spec.selector ?? {});
      if (!first || service.spec.type === 'ExternalName') return;
      const key = objectKey(service);
      const pair = pairKey(service.metadata.namespace, first);
      const services = this.#byPair.get(pair) ?? new Map<string, Labels>();
      this.#byPair.set(pair, services.set(key, service.spec.selector ?? {}));
      this.#pairs.set(key, pair);
    };
    informer.addHandler({ added: note, updated: note, deleted: forget });
  }

  /** The labels that all its Services together want; undefined when none selects the pod. */
  of({ metadata }: Readonly<Pod>): Labels | undefined {
    const labels = metadata.labels ?? {};
    let merged: Labels | undefined;
    for (const pair of Object.entries(labels)) {
      for (const selector of this.#byPair.get(pairKey(metadata.namespace, pair))?.values() ?? []) {
        if (has(labels, selector)) merged = { ...merged, ...selector };
      }
    }
    return merged;
  }
}

function pairKey(namespace = '', [key, value]: readonly [string, string]): string {
  return `${namespace}/${key}=${value}`;
}

export function has(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
