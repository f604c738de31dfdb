// What a pod's RuntimeClass adds: the overhead of its runtime, and the nodes that have it.

import type { Pod, Toleration } from '../../api/core/v1/types.generated.ts';
import type { RuntimeClass } from '../../api/node/v1/types.generated.ts';
import { deepEqual } from '../../apimachinery/json/value.ts';
import { equalAmounts, parseAmounts } from '../../apimachinery/resource-list.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { is } from './matches.ts';
import { refusalOf } from './refusal.ts';

function runtimeClassOf(request: AdmissionRequest, view: AdmissionView): Readonly<RuntimeClass> | undefined {
  const name = (request.object as unknown as Pod).spec?.runtimeClassName;
  if (name === undefined) return undefined;
  const found = view.find<RuntimeClass>('runtimeclasses', { group: 'node.k8s.io', name });
  if (!found) throw refusalOf(request, `pod rejected: RuntimeClass "${name}" not found`);
  return found;
}

function sameOverhead(a: Record<string, string> | undefined, b: Record<string, string> | undefined): boolean {
  return equalAmounts(parseAmounts(a), parseAmounts(b));
}

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  resources: ['pods'],
  admit(request, view) {
    if (!is(request, 'pods', 'CREATE')) return;
    const { spec } = request.object as unknown as Pod;
    const found = runtimeClassOf(request, view);
    if (!spec || !found) return;
    const overhead = found.overhead?.podFixed;
    if (overhead) {
      if (spec.overhead && !sameOverhead(spec.overhead, overhead)) {
        throw refusalOf(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      }
      spec.overhead = { ...overhead };
    }
    const { nodeSelector = {}, tolerations = [] } = found.scheduling ?? {};
    for (const [key, value] of Object.entries(nodeSelector)) {
      const present = ownValue(spec.nodeSelector, key);
      if (present !== undefined && present !== value) {
        const theirs = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}`;
        throw refusalOf(request, `conflict: ${theirs}; pod.spec.nodeSelector[${key}] = ${present}`);
      }
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    const missing = tolerations.filter((one: Toleration) => !spec.tolerations?.some((other) => deepEqual(one, other)));
    if (missing.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...missing.map((one) => ({ ...one }))];
  },
  validate(request, view) {
    if (!is(request, 'pods', 'CREATE')) return;
    const { overhead } = (request.object as unknown as Pod).spec ?? {};
    const defined = runtimeClassOf(request, view)?.overhead?.podFixed;
    if (defined && !sameOverhead(overhead, defined)) {
      throw refusalOf(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    }
    if (!defined && overhead && Object.keys(overhead).length > 0) {
      throw refusalOf(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
    }
  },
};
