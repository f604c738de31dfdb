// The volumes of one pod as they are mounted now, and when their content is looked at again.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { hasContentOfAPI, type PodVolumes } from '../volumes/volume-manager.ts';
import type { PodContext } from './pod-context.ts';

/** Volumes are looked at again this often (ms), for changed ConfigMaps and Secrets and for tokens that end. */
const refreshInterval = 60_000;

export interface Addresses {
  readonly podIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
}

/** What the downward API shows of a pod that changes while it runs: files follow it at once. */
function shownOf({ metadata: { labels = {}, annotations = {} }, spec }: Pod): unknown {
  return { labels, annotations, resources: spec.containers.map(({ resources = {} }) => resources) };
}

export class MountedVolumes {
  readonly #context: PodContext;
  #released = false;
  #mounted: { readonly volumes: PodVolumes; readonly at: number; readonly shown: unknown } | undefined;

  constructor(context: PodContext) {
    this.#context = context;
  }

  get current(): PodVolumes | undefined {
    return this.#mounted?.volumes;
  }

  /** Makes what is missing and brings content up to date. Rejects with VolumeError. */
  async setUp(pod: Pod, addresses: Addresses): Promise<PodVolumes> {
    const { volumes, sources, options } = this.#context;
    const all = { ...sources.of(pod), ...addresses, hostIPs: options.nodeIPs };
    const mounted = await volumes.setUp(pod, all, this.current);
    this.#mounted = { volumes: mounted, at: options.clock.monotonic(), shown: shownOf(pod) };
    return mounted;
  }

  get isReleased(): boolean {
    return this.#released;
  }

  /** What a pod that has ended leaves in its volumes goes, once. */
  async release({ metadata: { uid = '' } }: Pod): Promise<void> {
    if (this.#released) return;
    await this.#context.volumes.release(uid);
    this.#released = true;
    this.#mounted = undefined;
  }

  /** Returns when to look again (milliseconds, as the clock's `monotonic`); undefined for a pod without content of the API's. */
  async refresh(pod: Pod, addresses: Addresses): Promise<number | undefined> {
    const { volumes = [] } = pod.spec;
    if (!volumes.some(hasContentOfAPI)) {
      // Those that an earlier agent mounted are known again. Where that fails, the pod's containers run all the same.
      if (!this.#mounted && volumes.length > 0) await this.setUp(pod, addresses).catch(() => undefined);
      return undefined;
    }
    const now = this.#context.options.clock.monotonic();
    const at = this.#mounted?.at ?? Number.NEGATIVE_INFINITY;
    const isCurrent = jsonEqual(this.#mounted?.shown, shownOf(pod));
    if (isCurrent && now - at < refreshInterval) return at + refreshInterval;
    await this.setUp(pod, addresses);
    return now + refreshInterval;
  }
}
