import { deepEqual } from '../../../../apimachinery/json/value.ts';
import type { LabelSelector } from '../../../../apimachinery/meta/v1.generated.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type Kind, keepMetadata, keepStatus, writtenMetadata } from '../../../define.ts';
import type { Pod, PodCondition } from '../types.generated.ts';
import { fillAppArmorFields } from './annotations.ts';
import { podCells, podColumns, podRowConditions } from './columns.ts';
import { defaultPod, mirrorServiceAccount } from './defaults.ts';
import { qosClass } from './qos.ts';
import { validatePodStatusUpdate } from './status-validation.ts';
import { validateEphemeralContainersUpdate, validatePodResize, validatePodUpdate } from './update.ts';
import { validatePodCreate } from './validation.ts';
import { hostnameWarnings, podStatusWarnings, podWarnings } from './warnings.ts';

export const pod: Kind<Pod> = {
  strategy: {
    default: defaultPod,
    prepareForCreate(object, warn) {
      mirrorServiceAccount(object.spec!);
      object.status = { phase: 'Pending', qosClass: qosClass(object) };
      if (object.spec?.schedulingGates?.length) object.status.conditions = [gated()];
      addMatchedLabels(object);
      fillAppArmorFields(object, warn);
    },
    validate: validatePodCreate,
    validateUpdate: validatePodUpdate,
    // People write templates; Pods are changed by machines, and often.
    warnings: (object, old) =>
      old ? [] : [...hostnameWarnings(object.metadata.name), ...podWarnings(object.spec, object.metadata, '')],
    prepareForStatusUpdate(object, old) {
      keepWhatIsLeftOut(object, old);
      keepSpec(object, old);
    },
    validateStatusUpdate: validatePodStatusUpdate,
    statusWarnings: podStatusWarnings,
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
    // As clients of before the first release called it.
    'spec.host': ({ spec }) => spec?.nodeName,
    'spec.nodeName': ({ spec }) => spec?.nodeName,
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy,
    'spec.schedulerName': ({ spec }) => spec?.schedulerName,
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName,
    'spec.hostNetwork': ({ spec }) => String(spec?.hostNetwork === true),
    'status.phase': ({ status }) => status?.phase,
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP,
    // May be asked for, but no pod shows it to selectors.
    'status.podIPs': () => undefined,
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName,
  },
  columns: podColumns,
  cells: podCells,
  rowConditions: podRowConditions,
  returnsDeletedObject: true,
  gracePeriodSeconds: gracePeriod,
};

/** A write of status changes metadata's bookkeeping (labels and annotations among it) and status, never the spec. */
function keepSpec(object: Pod, old: Pod): void {
  if (old.spec && !deepEqual(object.spec, old.spec)) object.spec = old.spec;
  // The owner is the controllers' business, not the kubelet's.
  keepMetadata(object, old, ['generation', 'ownerReferences']);
}

/** Kubelets of before did not report these. */
function keepWhatIsLeftOut({ status }: Pod, { status: before }: Pod): void {
  if (!status || !before) return;
  if (!status.qosClass && before.qosClass) status.qosClass = before.qosClass;
  if (!status.observedGeneration && before.observedGeneration) status.observedGeneration = before.observedGeneration;
  const known = Map.groupBy(before.conditions ?? [], ({ type }) => type);
  for (const condition of status.conditions ?? []) {
    const generation = known.get(condition.type)?.shift()?.observedGeneration;
    if (!condition.observedGeneration && generation) condition.observedGeneration = generation;
  }
}

/** A Pod that no kubelet has, or that is already done, goes at once. */
function gracePeriod({ spec, status }: Pod): number {
  if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return spec.terminationGracePeriodSeconds ?? 30;
}

/** Everything else stays as it was: the rest of spec, status, metadata. */
function keepAllBut(field: 'ephemeralContainers'): (object: Pod, old: Pod) => void {
  return (object, old) => {
    const changed = object.spec?.[field];
    const { [field]: _before, ...spec } = structuredClone(old.spec ?? { containers: [] });
    object.spec = { ...spec, ...(changed && { [field]: changed }) };
    keepStatus(object, old);
    keepMetadata(object, old, writtenMetadata);
  };
}

/** What containers that go on running ask for changes, and what happens to them then. Other containers are not kept: they are refused. */
function keepAllButResources(object: Pod, old: Pod): void {
  const spec = object.spec ?? { containers: [] };
  const kept = structuredClone(old.spec ?? { containers: [] });
  const lists = ['containers', 'initContainers'] as const;
  if (lists.some((list) => (spec[list]?.length ?? 0) !== (kept[list]?.length ?? 0))) return;
  for (const list of lists) {
    const now = spec[list] ?? [];
    if (now.some(({ name }, i) => kept[list]?.[i]?.name !== name)) kept[list] = now;
    for (const [i, { resources, resizePolicy }] of now.entries()) {
      const container = kept[list]![i]!;
      if (resources) container.resources = resources;
      else delete container.resources;
      if (resizePolicy) container.resizePolicy = resizePolicy;
      else delete container.resizePolicy;
    }
  }
  if (spec.resources) kept.resources = spec.resources;
  else delete kept.resources;
  object.spec = kept;
  keepStatus(object, old);
  keepMetadata(object, old, writtenMetadata);
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
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
  ]);
  for (const { labelSelector, matchLabelKeys, mismatchLabelKeys } of terms) {
    addRequirements(labelSelector, { operator: 'In', keys: matchLabelKeys, labels });
    addRequirements(labelSelector, { operator: 'NotIn', keys: mismatchLabelKeys, labels });
  }
  for (const { labelSelector, matchLabelKeys } of spec?.topologySpreadConstraints ?? []) {
    addRequirements(labelSelector, { operator: 'In', keys: matchLabelKeys, labels });
  }
}

interface Requirements {
  readonly operator: 'In' | 'NotIn';
  readonly keys: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

function addRequirements(selector: LabelSelector | undefined, { operator, keys = [], labels }: Requirements): void {
  const added = keys.flatMap((key) => {
    const value = ownValue(labels, key);
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
  if (selector && added.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...added];
}
