// What the parts of a Pod's spec need to know of the rest to be judged.
import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import type { PodSpec, Volume } from '../types.generated.ts';

export interface PodScope {
  /** Those in which nothing is wrong, by name: no other can be mounted. */
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claimNames: readonly string[];
  readonly gracePeriodSeconds: number | undefined;
  readonly restartPolicy: string;
  /** The operating system that the Pod is for: `linux`, `windows`, or not said. */
  readonly os: string | undefined;
  /** The Pod's users are those of the node. */
  readonly hostUsers: boolean;
  /** The metadata of the Pod itself; absent in a template of one, where some rules wait for the Pod. */
  readonly pod: ObjectMeta | undefined;
}

export function scopeOf(spec: PodSpec, volumes: ReadonlyMap<string, Volume>, pod: ObjectMeta | undefined): PodScope {
  return {
    volumes,
    claimNames: (spec.resourceClaims ?? []).flatMap(({ name }) => name || []),
    gracePeriodSeconds: spec.terminationGracePeriodSeconds,
    restartPolicy: spec.restartPolicy ?? '',
    os: spec.os?.name,
    hostUsers: spec.hostUsers !== false,
    pod,
  };
}

/** All containers of a spec with their paths, in upstream's order: init, regular, ephemeral. */
export function containersWithPaths(spec: PodSpec, path: string) {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i) => ({ container, path: `${path}.${list}[${i}]` })),
  );
}
