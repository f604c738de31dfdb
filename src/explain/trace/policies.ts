// NetworkPolicies in a trace: the rules of a node that they make, and whom to blame for a packet that they drop.
import type { Namespace, Pod } from '../../api/core/v1/types.generated.ts';
import type { NetworkPolicy } from '../../api/networking/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { IPFamily } from '../../net/ip.ts';
import type { Outcome } from '../../netfilter/packet.ts';
import { planPolicies } from '../../networkpolicy/plan.ts';
import { policyTable, tableName } from '../../networkpolicy/render.ts';
import type { Table } from '../../nftables/ruleset.ts';
import type { Cause } from './trace.ts';

/** The table of a node; none where no pod of it is isolated. */
export function policyTables(objects: readonly KubeObject[], nodeName: string, family: IPFamily): Table[] {
  const policies = objects
    .filter((object): object is NetworkPolicy & typeof object => object.kind === 'NetworkPolicy')
    .map((policy) => ({
      ...policy,
      metadata: { ...policy.metadata, namespace: policy.metadata.namespace ?? 'default' },
    }));
  if (policies.length === 0) return [];
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
  // Nor need they say of a pod what only a kubelet asks.
  const whole = pods.map((pod) => ({
    ...pod,
    spec: { ...pod.spec, containers: pod.spec?.containers ?? [] },
  }));
  const plan = planPolicies({ pods: whole, namespaces: [...known, ...others], policies }, nodeName);
  const table = policyTable(plan, family);
  return table ? [table] : [];
}

/** Undefined when it was no policy that dropped the packet, or when nobody did. */
export function policyCause({ steps, verdict, source, destination }: Outcome): Cause | undefined {
  const decision = steps.at(-1)?.decision;
  if (verdict.kind !== 'drop' || decision?.by !== 'nftables' || decision.table.name !== tableName) return undefined;
  const direction = decision.chain.startsWith('egress') ? 'egress' : 'ingress';
  const policies = (decision.rule.comment ?? '').split(' ');
  return {
    object: `NetworkPolicy ${policies.join(', ')}`,
    field: `spec.${direction}`,
    message: `no rule of ${policies.length === 1 ? 'it' : 'them'} lets ${source.address} reach ${destination.address} on port ${destination.port}`,
    remedy: `add the peer and the port to an ${direction} rule: kubectl describe networkpolicy`,
  };
}
