// How the nodes' CPU is spread over zones, worked out anew when nodes change in what counts for it.
import type { Node } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { Informer } from '../../client/types.ts';
import { type ZoneRatios, zoneRatios } from './topology-hints.ts';

export class ZonesOfNodes {
  readonly #informer: Informer<Node>;
  #ratios: ZoneRatios | undefined;

  constructor(informer: Informer<Node>) {
    this.#informer = informer;
  }

  get ratios(): ZoneRatios | undefined {
    return this.#ratios;
  }

  /** Calls `changed` when the parts are other ones. */
  follow(changed: () => void): void {
    const look = () => {
      const ratios = zoneRatios(this.#informer.lister.list());
      if (jsonEqual([...(ratios ?? [])], [...(this.#ratios ?? [])])) return;
      this.#ratios = ratios;
      changed();
    };
    this.#informer.addHandler({
      added: () => this.#informer.hasSynced && look(),
      updated: (node, old) => !jsonEqual(factsOf(node), factsOf(old)) && look(),
      deleted: look,
      synced: look,
    });
  }
}

function factsOf({ metadata, status }: Readonly<Node>) {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return { labels: metadata.labels ?? {}, cpu: status?.allocatable?.cpu ?? '', ready: ready ?? '' };
}
