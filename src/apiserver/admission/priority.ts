// The number behind a pod's priority class.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { PriorityClass } from '../../api/scheduling/v1/types.generated.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';

type NamedClass = PriorityClass & { metadata: { name: string } };

/** Classes that are there without an object. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export function priority(request: AdmissionRequest, view: AdmissionView): void {
  const { definition, operation, subresource, object } = request;
  if (definition.group !== '' || definition.resource !== 'pods' || subresource !== '' || !object) return;
  if (operation !== 'CREATE') return;
  const { spec } = object as unknown as Pod;
  if (!spec) return;
  const name = spec.priorityClassName;
  const group = 'scheduling.k8s.io';
  if (name) {
    const found = view.find<NamedClass>('priorityclasses', { group, name });
    const value = found?.value ?? systemClasses[name];
    if (value === undefined) {
      throw forbidden(definition, object.metadata.name, `no PriorityClass with name ${name} was found`);
    }
    spec.priority = value;
    spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
    return;
  }
  const usual = view.all<NamedClass>('priorityclasses', group).find((one) => one.globalDefault);
  if (usual) spec.priorityClassName = usual.metadata.name;
  spec.priority = usual?.value ?? 0;
  spec.preemptionPolicy ??= usual?.preemptionPolicy ?? 'PreemptLowerPriority';
}
