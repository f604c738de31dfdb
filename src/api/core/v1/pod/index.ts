import { ownValue } from '../../../../apimachinery/table.ts';
import { deepEqual, type Kind } from '../../../define.ts';
import type { Pod, PodCondition } from '../types.generated.ts';
import { podCells, podColumns } from './columns.ts';
import { defaultPod, mirrorServiceAccount } from './defaults.ts';
import { qosClass } from './qos.ts';
import { validatePodStatusUpdate } from './status-validation.ts';
import { validateEphemeralContainersUpdate, validatePodResize, validatePodUpdate } from './update.ts';
import { validatePodCreate } from './validation.ts';
import { podWarnings } from './warnings.ts';

export const pod: Kind<Pod> = {
  strategy: {
    default: defaultPod,
    prepareForCreate(object) {
      mirrorServiceAccount(object.spec!);
      object.status = { phase: 'Pending', qosClass: qosClass(object) };
      if (object.spec?.schedulingGates?.length) object.status.conditions = [gated()];
      addMatchedLabels(object);
    },
    validate: validatePodCreate,
    validateUpdate: validatePodUpdate,
    warnings: (object) => podWarnings(object.spec, object.metadata, ''),
    prepareForStatusUpdate(object, old) {
      const { status } = object;
      if (status && old.status?.qosClass) status.qosClass ??= old.status.qosClass;
      keepSpec(object, old);
    },
    validateStatusUpdate: validatePodStatusUpdate,
    subresources: {
      ephemeralcontainers: {
        prepareForUpdate: keepAllBut('ephemeralContainers'),
        validateUpdate: validateEphemeralContainersUpdate,
      },
      resize: { prepareForUpdate: keepAllButResources, validateUpdate: validatePodResize },
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

/** Everything else of spec and status stays as it was. */
function keepAllBut(field: 'ephemeralContainers'): (object: Pod, old: Pod) => void {
  return (object, old) => {
    const changed = object.spec?.[field];
    const { [field]: _before, ...spec } = structuredClone(old.spec ?? { containers: [] });
    object.spec = { ...spec, ...(changed && { [field]: changed }) };
    keepStatus(object, old);
  };
}

/** What containers that go on running ask for changes, and what happens to them then. */
function keepAllButResources(object: Pod, old: Pod): void {
  const { spec } = object;
  const kept = structuredClone(old.spec ?? { containers: [] });
  for (const list of ['containers', 'initContainers'] as const) {
    for (const container of kept[list] ?? []) {
      const now = spec?.[list]?.find(({ name }) => name === container.name);
      if (!now) continue;
      if (now.resources) container.resources = now.resources;
      if (now.resizePolicy) container.resizePolicy = now.resizePolicy;
    }
  }
  if (spec?.resources) kept.resources = spec.resources;
  object.spec = kept;
  keepStatus(object, old);
}

function keepStatus(object: Pod, old: Pod): void {
  if (old.status) object.status = old.status;
  else delete object.status;
}

/** Told from the start, so that nobody wonders why the scheduler does nothing. */
function gated(): PodCondition {
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message };
  // Times that are not known are null rather than absent, as in every condition of a Pod.
  return { lastProbeTime: null, lastTransitionTime: null, ...condition } as unknown as PodCondition;
}

/** Keys of labels that are to be the Pod's own become requirements; what a selector says of them already stays. */
function addMatchedLabels({ metadata, spec }: Pod): void {
  const labels = metadata.labels ?? {};
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
  ]);
  for (const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } of terms) {
    if (!labelSelector) continue;
    for (const [operator, keys] of [
      ['In', matchLabelKeys],
      ['NotIn', mismatchLabelKeys],
    ] as const) {
      const added = keys.flatMap((key) => {
        const value = ownValue(labels, key);
        return value === undefined ? [] : [{ key, operator, values: [value] }];
      });
      if (added.length > 0) labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added];
    }
  }
}
