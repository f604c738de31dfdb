// NetworkPolicies in a trace: the rules of a node that they make, and whom to blame for a packet that they drop.
import type { Namespace, Pod } from '../../api/core/v1/types.generated.ts';
import type { NetworkPolicy } from '../../api/networking/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Outcome } from '../../netfilter/packet.ts';
import { policyPodOf } from '../../networkpolicy/peers.ts';
import { type PolicyPlan, planPolicies } from '../../networkpolicy/plan.ts';
import { policyTable, tableName } from '../../networkpolicy/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import type { Cause } from './trace.ts';

/** The tables of nodes, none where no pod is isolated. The pods of the cluster are looked through once for all. */
export function policyTablesOfNodes(objects: readonly KubeObject[]): (nodeName: string, family: IPFamily) => Table[] {
  const plan = policyPlan(objects);
  const pods = objects.filter((object): object is Pod & typeof object => object.kind === 'Pod');
  const podsOf = Map.groupBy(pods, ({ spec }) => spec?.nodeName);
  return (nodeName, family) => {
    if (!plan) return [];
    const own = (podsOf.get(nodeName) ?? []).flatMap((pod) => policyPodOf(whole(pod))?.ips ?? []);
    const ofNode = (isolated: PolicyPlan['ingress']) =>
      new Map(own.flatMap((ip) => (isolated.has(ip) ? [[ip, isolated.get(ip)!]] : [])));
    const table = policyTable({ ingress: ofNode(plan.ingress), egress: ofNode(plan.egress) }, family);
    return table ? [table] : [];
  };
}

/** Manifests need not say of a pod what only a kubelet asks. */
const whole = <T extends Pod>(pod: T): T => ({
  ...pod,
  spec: { ...pod.spec, containers: pod.spec?.containers ?? [] },
});

/** Of one node, or of all; undefined where there are no policies. */
export function policyPlan(objects: readonly KubeObject[], nodeName?: string): PolicyPlan | undefined {
  const policies = objects
    .filter((object): object is NetworkPolicy & typeof object => object.kind === 'NetworkPolicy')
    .map((policy) => ({
      ...policy,
      metadata: { ...policy.metadata, namespace: policy.metadata.namespace ?? 'default' },
    }));
  if (policies.length === 0) return undefined;
  const pods = objects
    .filter((object): object is Pod & typeof object => object.kind === 'Pod')
    .map((pod) => ({ ...pod, metadata: { ...pod.metadata, namespace: pod.metadata.namespace ?? 'default' } }));
  const known = objects.filter((object): object is Namespace & typeof object => object.kind === 'Namespace');
  const names = new Set(known.map(({ metadata }) => metadata.name));
  const used = new Set(pods.map(({ metadata }) => metadata.namespace));
  // Manifests need not hold the namespaces that they use; each has the label that names it.
  const others = [...used]
    .filter((name) => !names.has(name))
    .map(
      (name): Namespace => ({
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
        spec: {},
      }),
    );
  return planPolicies({ pods: pods.map(whole), namespaces: [...known, ...others], policies }, nodeName);
}

/** Undefined when it was no policy of the node's plan that dropped the packet, or when nobody did. */
export function policyCause(
  plan: PolicyPlan | undefined,
  { steps, verdict, source, destination }: Outcome,
  nameOf: (address: string) => string,
): Cause | undefined {
  const decision = steps.at(-1)?.decision;
  if (verdict.kind !== 'drop' || decision?.by !== 'nftables' || decision.table.name !== tableName) return undefined;
  const direction = decision.chain.startsWith('egress') ? 'egress' : 'ingress';
  const isolation = plan?.[direction].get(direction === 'egress' ? source.address : destination.address);
  const policies = isolation?.policies ?? [];
  return {
    object: `NetworkPolicy ${policies.join(', ')}`,
    field: `spec.${direction}`,
    message: `no rule of ${policies.length === 1 ? 'it' : 'them'} lets ${nameOf(source.address)} reach ${nameOf(destination.address)} on port ${destination.port}`,
    remedy: `add the peer and the port to an ${direction} rule: kubectl describe networkpolicy`,
  };
}
