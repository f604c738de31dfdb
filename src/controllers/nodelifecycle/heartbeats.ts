// When each node was last heard of, by this controller's own clock, so that nobody else's matters.
import type { Lease } from '../../api/coordination/v1/types.generated.ts';
import type { Node } from '../../api/core/v1/types.generated.ts';
import type { Informer } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';

export class Heartbeats {
  readonly #clock: Clock;
  /** By name, as the clock's `monotonic`: a time that is set is nobody's silence. */
  readonly #heard = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Listens to both signs of life: a Ready condition with another heartbeat, and a Lease that is renewed. */
  follow(nodes: Informer<Node>, leases: Informer<Lease>): void {
    nodes.addHandler({
      added: (node) => this.#hear(node.metadata.name),
      updated: (node, old) => {
        const heartbeat = heartbeatOf(node);
        if (heartbeat !== undefined && heartbeat !== heartbeatOf(old)) this.#hear(node.metadata.name);
      },
      deleted: (node) => this.#heard.delete(node.metadata.name),
    });
    leases.addHandler({
      updated: (lease, old) => {
        if (lease.spec.renewTime !== old.spec.renewTime) this.#hear(lease.metadata.name);
      },
    });
  }

  /** Milliseconds; 0 for a node that nobody knows. */
  silentFor(name: string): number {
    const now = this.#clock.monotonic();
    return now - (this.#heard.get(name) ?? now);
  }

  #hear(name: string): void {
    this.#heard.set(name, this.#clock.monotonic());
  }
}

function heartbeatOf(node: Readonly<Node>): string | undefined {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready');
  // What this controller itself wrote is no sign of life.
  return ready?.status === 'Unknown' ? undefined : `${ready?.status} ${ready?.lastHeartbeatTime}`;
}
