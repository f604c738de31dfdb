// The search domains of the node's own pods by their addresses, as kubelet wrote them into their resolv.conf: what the node's
// DNS needs to answer a search at its first name.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { pods } from '../../client/resources.ts';
import type { Informers } from '../../client/types.ts';
import { type ClusterDNS, dnsSettings } from '../../kubelet/pod/dns-settings.ts';

export class SearchPaths {
  readonly #clusterDNS: ClusterDNS;
  readonly #ofAddress = new Map<string, { readonly uid: string | undefined; readonly path: readonly string[] }>();

  constructor(clusterDNS: ClusterDNS) {
    this.#clusterDNS = clusterDNS;
  }

  /** Follows the pods of a node, through the informer that its kubelet uses. */
  follow(informers: Informers, nodeName: string): void {
    // Its address may be another pod's by now.
    const forget = ({ metadata: { uid }, status }: Readonly<Pod>) => {
      for (const { ip } of status?.podIPs ?? []) if (this.#ofAddress.get(ip)?.uid === uid) this.#ofAddress.delete(ip);
    };
    const learn = (pod: Readonly<Pod>) => this.#learn(pod);
    informers.informer<Pod>(pods, { fieldSelector: `spec.nodeName=${nodeName}` }).addHandler({
      added: learn,
      updated: (pod, old) => {
        forget(old);
        learn(pod);
      },
      deleted: forget,
    });
  }

  readonly of = (address: string): readonly string[] | undefined => this.#ofAddress.get(address)?.path;

  /** Pods that ended have given their addresses back; those on the node's network share theirs with the node. */
  #learn(pod: Readonly<Pod>): void {
    if (pod.spec.hostNetwork || isPodTerminal(pod)) return;
    const { searches } = dnsSettings(pod, this.#clusterDNS);
    const path = searches.map((domain) => `${domain.toLowerCase().replace(/\.$/, '')}.`);
    for (const { ip } of pod.status?.podIPs ?? []) this.#ofAddress.set(ip, { uid: pod.metadata.uid, path });
  }
}
