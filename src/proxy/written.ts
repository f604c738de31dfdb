// Of which objects the rules in the kernel were made, and when they were written.
import type { Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';

/** The objects that the rules of a Service were made of. */
export interface Sources {
  readonly service: Readonly<Service>;
  readonly slices: readonly Readonly<EndpointSlice>[];
}

export interface Written {
  readonly sources: Sources;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

export class WrittenRules {
  readonly #written = new Map<string, Written>();
  readonly #planned = new Map<string, Sources | undefined>();
  /** When a sync last ended well, and one that wrote all of it, in milliseconds since the Unix epoch; 0 for never. */
  lastSync = 0;
  lastFullSync = 0;

  /** The next sync brings what these objects say, or with undefined takes away what they said. */
  plan(name: string, sources: Sources | undefined): void {
    this.#planned.set(name, sources);
  }

  /** A sync ended well, and with it those that failed before. Returns the slices that it was the first to bring. */
  succeeded(time: number, { full }: { readonly full: boolean }): Readonly<EndpointSlice>[] {
    this.lastSync = time;
    if (full) this.lastFullSync = time;
    const fresh: Readonly<EndpointSlice>[] = [];
    for (const [name, sources] of this.#planned) {
      const before = this.#written.get(name)?.sources.slices ?? [];
      for (const slice of sources?.slices ?? []) if (!before.includes(slice)) fresh.push(slice);
      if (sources) this.#written.set(name, { sources, time });
      else this.#written.delete(name);
    }
    this.#planned.clear();
    return fresh;
  }

  /** By `namespace/name` of the Service, sorted; a full sync wrote all of them. */
  *entries(): Iterable<readonly [name: string, written: Written]> {
    const names = [...this.#written.keys()].sort();
    for (const name of names) {
      const { sources, time } = this.#written.get(name)!;
      yield [name, { sources, time: Math.max(time, this.lastFullSync) }];
    }
  }
}
