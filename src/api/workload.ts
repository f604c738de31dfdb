// What Deployment, ReplicaSet, StatefulSet, DaemonSet and Job have in common: a selector, a Pod template, replicas.
import type { LabelSelector } from '../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { labelSelectorOf, matchesLabels, printLabelSelector } from '../apimachinery/selectors/label-selector.ts';
import { type FieldError, fieldError } from '../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../apimachinery/validation/names.ts';
import { defaultPodSpec } from './core/v1/pod/defaults.ts';
import { validatePodTemplate } from './core/v1/pod/validation.ts';
import { podWarnings } from './core/v1/pod/warnings.ts';
import type { PodTemplateSpec } from './core/v1/types.generated.ts';
import { column } from './define.ts';
import { printedMap, printedSelector } from './validation/printed.ts';
import { isEmptyLabelSelector, validateLabelSelector } from './validation/selectors.ts';
import { nonNegative } from './validation/values.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

export function defaultTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec);
}

/** Whether the selector selects anything by name, and is well formed. `kind` as in "empty selector is invalid for …". */
export function validateWorkloadSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector) return [required('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  const why = `empty selector is invalid for ${kind}`;
  if (isEmptyLabelSelector(selector)) errors.push(invalid('spec.selector', printedSelector(selector), why));
  return errors;
}

export interface TemplateRules {
  readonly selector: LabelSelector | undefined;
  /** What is said of a selector that cannot be read; the template is then not looked into. Absent: it is. */
  readonly brokenSelector?: string;
  /** As in "activeDeadlineSeconds in … is not Supported". */
  readonly noDeadlineIn: string;
}

/** The selector must find the Pods that the template makes, and they must be of a kind that the controller can run. */
export function validateWorkloadTemplate(
  template: PodTemplateSpec | undefined,
  { selector, brokenSelector, noDeadlineIn }: TemplateRules,
): FieldError[] {
  const path = 'spec.template';
  if (!template) return [required(path)];
  const isBroken = validateLabelSelector(selector, '').length > 0;
  if (isBroken && brokenSelector !== undefined)
    return [invalid('spec.selector', printedSelector(selector), brokenSelector)];
  const errors: FieldError[] = [];
  // No selector at all finds nothing, an empty one everything.
  const parsed = isBroken ? undefined : labelSelectorOf(selector);
  if (!isBroken && !(parsed && matchesLabels(parsed, template.metadata?.labels))) {
    const why = '`selector` does not match template `labels`';
    errors.push(invalid(`${path}.metadata.labels`, printedMap(template.metadata?.labels), why));
  }
  errors.push(...validatePodTemplate(template, path));
  const policy = template.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported(`${path}.spec.restartPolicy`, policy, ['Always']));
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${noDeadlineIn} is not Supported`;
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

/** What must hold for the counts of a status of type T; none of them is negative. */
export interface ReplicaCounts<T> {
  readonly counts: readonly (keyof T & string)[];
  /** Those of the replicas, of which there cannot be more than replicas. */
  readonly parts: readonly (keyof T & string)[];
  /** Whether only replicas that are ready can be available. */
  readonly availableOfReady?: boolean;
}

export function validateReplicaCounts<T extends object>(
  status: T,
  { counts, parts, availableOfReady = false }: ReplicaCounts<T>,
): FieldError[] {
  const count = (name: string): number => (status as Readonly<Record<string, number | undefined>>)[name] ?? 0;
  const more = parts.filter((name) => count(name) > count('replicas'));
  return [
    ...counts.flatMap((name) => nonNegative(`status.${name}`, count(name))),
    ...more.map((name) => invalid(`status.${name}`, count(name), 'cannot be greater than status.replicas')),
    ...(availableOfReady && count('availableReplicas') > count('readyReplicas')
      ? [invalid('status.availableReplicas', count('availableReplicas'), 'cannot be greater than readyReplicas')]
      : []),
  ];
}

/** Who counted collisions does not forget any. */
export function validateCollisionCount(
  status: { readonly collisionCount?: number } | undefined,
  old: { readonly collisionCount?: number } | undefined,
): FieldError[] {
  const [now, before] = [status?.collisionCount, old?.collisionCount];
  if (before === undefined || (now !== undefined && now >= before)) return [];
  return [invalid('status.collisionCount', now ?? 0, 'cannot be decremented')];
}

/** Pods take their hosts' names from the name of what makes them, and a host's name has no dots. */
export function nameWarnings(name: string): string[] {
  const wrong = dns1123Label(name);
  if (wrong.length === 0) return [];
  const why =
    'this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: ${why}: [${wrong.join(' ')}]`];
}

/** Warnings of a Pod template. */
export function templateWarnings(template: PodTemplateSpec | undefined, path: string): string[] {
  return podWarnings(template?.spec, template?.metadata, path);
}

/** Whether an object is made, or changes in more than its metadata: nothing is said of the template of one that is labelled. */
export function isNewGeneration({ metadata }: KubeObject, old: KubeObject | undefined): boolean {
  return metadata.generation !== old?.metadata.generation;
}

/** Warnings of a workload whose Pods are named after it, when it is made, and of its template. */
export function workloadWarnings(
  object: KubeObject & { readonly spec: { readonly template?: PodTemplateSpec } },
  old: KubeObject | undefined,
): string[] {
  return [
    ...(old ? [] : nameWarnings(object.metadata.name)),
    ...(isNewGeneration(object, old) ? templateWarnings(object.spec.template, 'spec.template') : []),
  ];
}

interface RollingUpdate {
  readonly maxUnavailable?: number | string;
  readonly maxSurge?: number | string;
}

/** The strategy of a Deployment or a DaemonSet as errors print it: upstream's own type has no JSON names. */
export function internalStrategy(type: string, rollingUpdate: RollingUpdate | undefined): object {
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {};
  return { Type: type, RollingUpdate: rollingUpdate ? { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge } : null };
}

/** A count or a share: `3` or `25%`. */
export function validateIntOrPercent(field: string, value: number | string | undefined): FieldError[] {
  if (typeof value === 'string') {
    const why =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    return /^[0-9]+%$/.test(value) ? [] : [invalid(field, value, why)];
  }
  return nonNegative(field, value);
}

export function notMoreThanAll(field: string, value: number | string | undefined): FieldError[] {
  const percent = typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : 0;
  return percent > 100 ? [invalid(field, value, 'must not be greater than 100%')] : [];
}

/** 0, 0%, or a text that is no number. */
export function isZero(value: number | string | undefined): boolean {
  const digits = /^([+-]?[0-9]+)%?$/.exec(String(value))?.[1];
  return digits === undefined || Number(digits) === 0;
}

export const containersColumn = column('Containers', 'Names of the containers of the template.', { priority: 1 });
export const imagesColumn = column('Images', 'Images of the containers of the template.', { priority: 1 });
export const selectorColumn = column('Selector', 'Which Pods belong to it.', { priority: 1 });

export function containerCells(template: PodTemplateSpec | undefined): [string, string] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')];
}

/** The selector as text, as `kubectl get -l` takes it. */
export function selectorCell(selector: LabelSelector | undefined): string {
  const parsed = labelSelectorOf(selector);
  if (!selector || !parsed) return '<none>';
  return printLabelSelector(parsed) || '<none>';
}
