import type { FieldError } from '../../../../apimachinery/validation/field-error.ts';
import { deepEqual, type Kind } from '../../../define.ts';
import type { Pod } from '../types.generated.ts';
import { podCells, podColumns } from './columns.ts';
import { defaultPod, mirrorServiceAccount } from './defaults.ts';
import { qosClass } from './qos.ts';
import { validatePodSpec, validatePodUpdate } from './validation.ts';

export const pod: Kind<Pod> = {
  strategy: {
    default: defaultPod,
    prepareForCreate(object) {
      mirrorServiceAccount(object.spec!);
      object.status = { phase: 'Pending', qosClass: qosClass(object) };
    },
    validate: (object): FieldError[] => validatePodSpec(object.spec!),
    // What was valid when the Pod was made stays so: only what changed is judged.
    validateUpdate: validatePodUpdate,
    prepareForStatusUpdate(object, old) {
      const { status } = object;
      if (status && old.status?.qosClass) status.qosClass ??= old.status.qosClass;
      keepSpec(object, old);
    },
  },
  countsGeneration: true,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName,
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy,
    'spec.schedulerName': ({ spec }) => spec?.schedulerName,
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName,
    'spec.hostNetwork': ({ spec }) => String(spec?.hostNetwork === true),
    'status.phase': ({ status }) => status?.phase,
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP,
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName,
  },
  columns: podColumns,
  cells: podCells,
  returnsDeletedObject: true,
  gracePeriodSeconds: gracePeriod,
};

/** A write of status changes metadata's bookkeeping (labels and annotations among it) and status, never the spec. */
function keepSpec(object: Pod, old: Pod): void {
  if (old.spec && !deepEqual(object.spec, old.spec)) object.spec = old.spec;
  if (old.metadata.generation !== undefined) object.metadata.generation = old.metadata.generation;
  // The owner is the controllers' business, not the kubelet's.
  if (old.metadata.ownerReferences) object.metadata.ownerReferences = old.metadata.ownerReferences;
}

/** A Pod that no kubelet has, or that is already done, goes at once. */
function gracePeriod({ spec, status }: Pod): number {
  if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return spec.terminationGracePeriodSeconds ?? 30;
}
