// What may change in a Pod: little, once it is made; more while the scheduler still waits; and by subresources.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { rangeMessage } from '../../../../apimachinery/validation/names.ts';
import { maxInt32 } from '../../../validation/values.ts';
import type {
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  ResourceRequirements,
  Toleration,
} from '../types.generated.ts';
import { mirrorAnnotation, validateAnnotationUpdates, validatePodAnnotations } from './annotations.ts';
import { internalDiff, internalForm, internalPodSpec } from './internal-form.ts';
import { qosClass } from './qos.ts';
import { validateTolerations } from './scheduling.ts';
import { validatePod } from './validation.ts';

const { required, forbidden, invalid } = fieldError;

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const specOf = ({ spec }: Pod): PodSpec => spec ?? { containers: [] };

function validateMetadataUpdate(pod: Pod, old: Pod): FieldError[] {
  return [
    ...validateAnnotationUpdates(pod.metadata, old.metadata),
    ...validatePodAnnotations(pod.metadata, specOf(pod), 'metadata.annotations'),
  ];
}

/** A Pod is what it is: images, a deadline, further tolerations are all that may change. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const [spec, before] = [specOf(pod), specOf(old)];
  const errors = [...validatePod(pod), ...validateMetadataUpdate(pod, old)];
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list]?.length ?? 0) !== (before[list]?.length ?? 0)) {
      return [...errors, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    errors.push(...validateImages(spec[list] ?? [], `spec.${list}`));
  }
  const deadline = validateDeadlineChange(spec.activeDeadlineSeconds, before.activeDeadlineSeconds);
  errors.push(...deadline);
  if (deadline.length > 0 && spec.activeDeadlineSeconds !== undefined) return errors;
  errors.push(...validateTolerationChange(spec, before), ...validateGateChange(spec, before));
  const fixed = fixedPart(spec, before);
  if (before.schedulingGates?.length) errors.push(...releaseGatedFields(fixed, before));
  if (deepEqual(fixed, before)) return errors;
  const difference = internalDiff(internalPodSpec(before), internalPodSpec(fixed));
  return [...errors, forbidden('spec', `${mayChange}\n${difference}`)];
}

/** Said again beside what is said of every Pod, as upstream does. */
function validateImages(containers: readonly Container[], path: string): FieldError[] {
  return containers.flatMap(({ image = '' }, i) => {
    const at = `${path}[${i}].image`;
    if (image === '') return [required(at)];
    return image.trim() === image ? [] : [invalid(at, image, 'must not have leading or trailing whitespace')];
  });
}

/** A deadline may come, and come nearer. */
function validateDeadlineChange(now: number | undefined, before: number | undefined): FieldError[] {
  const at = 'spec.activeDeadlineSeconds';
  if (now === undefined) {
    return before === undefined ? [] : [invalid(at, null, 'must not update from a positive integer to nil value')];
  }
  if (now < 0 || now > maxInt32) return [invalid(at, now, rangeMessage(0, maxInt32))];
  if (before === undefined || before >= now) return [];
  return [invalid(at, now, 'must be less than or equal to previous value')];
}

function validateTolerationChange(spec: PodSpec, before: PodSpec): FieldError[] {
  const without = (tolerations: readonly Toleration[] = []): unknown[] =>
    tolerations.map(({ tolerationSeconds: _seconds, ...rest }) => rest);
  const now = without(spec.tolerations);
  const kept = without(before.tolerations).every((toleration) => now.some((other) => deepEqual(other, toleration)));
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  if (!kept) return [forbidden('spec.tolerations', why)];
  return validateTolerations(spec.tolerations ?? [], 'spec.tolerations');
}

/** Gates open and do not close again. */
function validateGateChange({ schedulingGates = [] }: PodSpec, before: PodSpec): FieldError[] {
  const known = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  return schedulingGates.flatMap(({ name }, i) => {
    if (known.has(name)) return [];
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbidden(`spec.schedulingGates[${i}].name`, why)];
  });
}

/** The new spec with the old one's values where change is allowed. */
function fixedPart(spec: PodSpec, before: PodSpec): PodSpec {
  const withImages = (list: 'containers' | 'initContainers'): Container[] =>
    (spec[list] ?? []).map((container, i) => {
      const { image: _image, ...rest } = container;
      const old = before[list]?.[i]?.image;
      return old === undefined ? rest : { ...rest, image: old };
    });
  const fixed: PodSpec = { ...spec, containers: withImages('containers') };
  if (spec.initContainers) fixed.initContainers = withImages('initContainers');
  restore(fixed, before, ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']);
  const grace = before.terminationGracePeriodSeconds;
  if (grace !== undefined && grace < 0 && spec.terminationGracePeriodSeconds === 1) {
    fixed.terminationGracePeriodSeconds = grace;
  }
  return fixed;
}

function restore(spec: PodSpec, before: PodSpec, fields: readonly (keyof PodSpec)[]): void {
  for (const field of fields) {
    if (before[field] === undefined) delete spec[field];
    else Object.assign(spec, { [field]: before[field] });
  }
}

/** While the scheduler waits for gates, where the Pod can go may be narrowed down. */
function releaseGatedFields(fixed: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const kept = Object.entries(before.nodeSelector ?? {}).every(([key, value]) => fixed.nodeSelector?.[key] === value);
  if (!kept) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalid('spec.nodeSelector', fixed.nodeSelector ?? null, why));
  }
  restore(fixed, before, ['nodeSelector']);
  const [now, was] = [fixed.affinity?.nodeAffinity, before.affinity?.nodeAffinity];
  if (deepEqual(now, was)) return errors;
  errors.push(...validateNodeAffinityChange(now, was));
  const { nodeAffinity: _changed, ...others } = fixed.affinity ?? {};
  const affinity = was ? { ...others, nodeAffinity: was } : others;
  if (!before.affinity && Object.keys(affinity).length === 0) delete fixed.affinity;
  else fixed.affinity = affinity;
  return errors;
}

function validateNodeAffinityChange(now: NodeAffinity | undefined, was: NodeAffinity | undefined): FieldError[] {
  const field = 'requiredDuringSchedulingIgnoredDuringExecution';
  const [terms, old] = [now?.[field]?.nodeSelectorTerms ?? [], was?.[field]?.nodeSelectorTerms ?? []];
  if (old.length === 0) return [];
  const at = `spec.affinity.nodeAffinity.${field}.nodeSelectorTerms`;
  const printed = terms.map((term) => internalForm('NodeSelectorTerm', term));
  if (old.length !== terms.length) {
    return [invalid(at, printed, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  }
  return old.flatMap((term, i) => {
    if (isNarrowed(terms[i]!, term)) return [];
    return [invalid(`${at}[${i}]`, printed[i], 'only additions are allowed (no mutations or deletions)')];
  });
}

/** A term that selects nothing stays so: the first requirement would make it select something. */
function isNarrowed(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const isEmpty = (one: NodeSelectorTerm): boolean => lists.every((list) => !one[list]?.length);
  if (isEmpty(old)) return isEmpty(term);
  return lists.every((list) => {
    const was = old[list] ?? [];
    return deepEqual((term[list] ?? []).slice(0, was.length), was);
  });
}

/** Containers join, for debugging; those that are there stay as they are. */
export function validateEphemeralContainersUpdate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [forbidden('', 'static pods do not support ephemeral containers')];
  }
  const now = new Map((specOf(pod).ephemeralContainers ?? []).map((container) => [container.name, container]));
  const errors = [...validatePod(pod), ...validateMetadataUpdate(pod, old)];
  for (const before of specOf(old).ephemeralContainers ?? []) {
    const container = now.get(before.name);
    const name = JSON.stringify(before.name);
    const at = 'spec.ephemeralContainers';
    if (!container) errors.push(forbidden(at, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!deepEqual(container, before)) {
      const [was, is] = [before, container].map((one) => internalForm('EphemeralContainer', one));
      const why = `existing ephemeral containers ${name} may not be changed\n${internalDiff(was, is)}`;
      errors.push(forbidden(at, why));
    }
  }
  return errors;
}

/** New amounts of cpu and memory for containers that go on running (KEP-1287), and for the Pod as a whole (KEP-5419). */
export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  const [spec, before] = [specOf(pod), specOf(old)];
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [forbidden('', 'static pods cannot be resized')];
  }
  if (before.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const errors = validatePod(pod);
  if ((old.status?.qosClass || qosClass(old)) !== qosClass(pod)) {
    const why = 'Pod QOS Class may not change as a result of resizing';
    errors.push(invalid('spec', pod.status?.qosClass ?? '', why));
  }
  const running = (old.status?.containerStatuses ?? []).find(({ state }) => state?.running);
  if (running && !running.resources) {
    errors.push(forbidden('spec', 'Pod running on node without support for resize'));
  }
  errors.push(...validateWholeResize(spec, before));
  const order = validateOrder(spec, before);
  if (order.length > 0) return [...errors, ...order];
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [i, container] of (before[list] ?? []).entries()) {
      const at = `spec.${list}[${i}].resources`;
      errors.push(
        ...validateNoneRemoved(spec[list]?.[i]?.resources, container.resources, { path: at, what: 'resource' }),
      );
    }
  }
  errors.push(...validateOnlyResources(spec, before));
  if (errors.length > 0 || deepEqual(withoutResources(spec), withoutResources(before))) return errors;
  return [forbidden('spec', 'only cpu and memory resources are mutable')];
}

function validateWholeResize(spec: PodSpec, before: PodSpec): FieldError[] {
  const path = 'spec.resources';
  const isSet = ({ resources }: PodSpec): boolean =>
    Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0;
  if (!isSet(spec) && !isSet(before)) return [];
  if (before.resources && !spec.resources) return [forbidden(path, 'pod-level resources cannot be removed')];
  const errors = before.resources
    ? validateNoneRemoved(spec.resources, before.resources, { path, what: 'pod-level resource' })
    : [];
  if (deepEqual(otherAmounts(spec.resources), otherAmounts(before.resources))) return errors;
  return [...errors, forbidden('spec', 'only cpu and memory resources are mutable at pod-level')];
}

/** Containers stay the same ones, in the same order. */
function validateOrder(spec: PodSpec, before: PodSpec): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap((list) => {
    const [now, was] = [spec[list] ?? [], before[list] ?? []];
    const path = `spec.${list}`;
    if (now.length !== was.length) return [forbidden(path, `${list} may not be added or removed on resize`)];
    const why = `${list} may not be renamed or reordered on resize`;
    return was.flatMap(({ name }, i) => (now[i]!.name === name ? [] : [forbidden(`${path}[${i}].name`, why)]));
  });
}

interface Place {
  readonly path: string;
  /** As in "resource requests cannot be removed". */
  readonly what: string;
}

/** Amounts change, they do not vanish: without one the kubelet would not know what to set. */
function validateNoneRemoved(
  now: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
  { path, what }: Place,
): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((list) => {
    const removed = Object.keys(old?.[list] ?? {}).some((name) => ownValue(now?.[list], name) === undefined);
    return removed ? [forbidden(`${path}.${list}`, `${what} ${list} cannot be removed`)] : [];
  });
}

function validateOnlyResources(spec: PodSpec, before: PodSpec): FieldError[] {
  const isSame = (now: Container, old: Container | undefined): boolean =>
    old !== undefined && deepEqual(withoutAmounts(now), withoutAmounts(old));
  const regular = (spec.containers ?? []).flatMap((container, i) =>
    isSame(container, before.containers[i]) ? [] : [forbidden('spec', 'only cpu and memory resources are mutable')],
  );
  const initial = (spec.initContainers ?? []).flatMap((container, i) => {
    const old = before.initContainers?.[i];
    const at = `spec.initContainers[${i}]`;
    const why = 'only cpu and memory resources for init or sidecar containers are mutable';
    const errors = isSame(container, old) ? [] : [forbidden(at, why)];
    if (container.restartPolicy === 'Always' || deepEqual(container, old)) return errors;
    const restarts = (old?.resizePolicy ?? []).filter(({ restartPolicy }) => restartPolicy === 'RestartContainer');
    const whyNot = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
    return [...errors, ...restarts.map(() => forbidden(at, whyNot))];
  });
  return [...regular, ...initial];
}

function withoutAmounts({ resources, ...rest }: Container): unknown {
  return { ...rest, resources: otherAmounts(resources) };
}

/** What is not cpu or memory. */
function otherAmounts({ limits, requests, claims }: ResourceRequirements = {}): unknown {
  const others = (list: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(list).filter(([name]) => name !== 'cpu' && name !== 'memory'));
  return { limits: others(limits), requests: others(requests), claims };
}

function withoutResources(spec: PodSpec): unknown {
  const { containers: _containers, initContainers: _initContainers, resources: _resources, ...rest } = spec;
  return rest;
}
