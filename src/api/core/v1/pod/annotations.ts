// Annotations of Pods that the API server reads: older forms of fields, which may not contradict them.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { validateDescendingPath } from '../../../validation/paths.ts';
import type { AppArmorProfile, Pod, PodSpec, SeccompProfile } from '../types.generated.ts';
import { validateTolerations } from './scheduling.ts';
import { containersWithPaths } from './scope.ts';
import { validateAppArmorProfile } from './security-context.ts';

const { forbidden, invalid } = fieldError;

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const tolerations = 'scheduler.alpha.kubernetes.io/tolerations';
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const localhost = 'localhost/';

type Annotated = Pick<ObjectMeta, 'annotations'>;

export function validatePodAnnotations({ annotations = {} }: Annotated, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    const why = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push(invalid(`${path}[${mirrorAnnotation}]`, mirror, why));
  }
  if (annotations[tolerations]) errors.push(...validateTolerationsAnnotation(annotations[tolerations], path));
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(invalid(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer'));
  }
  for (const [key, profile] of Object.entries(annotations)) {
    if (key === seccompPod || key.startsWith(seccompContainer)) {
      errors.push(...validateSeccompAnnotation(`${path}.${key}`, profile));
    } else if (key.startsWith(appArmorPrefix)) {
      errors.push(...validateAppArmorAnnotation(`${path}[${key}]`, profile, { key, spec }));
    }
  }
  return errors;
}

/** As Go reads one: no plus sign, and no leading zeros but after a minus sign. */
function isInt32(text: string): boolean {
  return /^(0|[1-9][0-9]*|-[0-9]+)$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

/** The form that tolerations had before there was a field. */
function validateTolerationsAnnotation(text: string, path: string): FieldError[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [invalid(path, tolerations, (error as SyntaxError).message)];
  }
  return Array.isArray(value) ? validateTolerations(value, `${path}.${tolerations}`) : [];
}

function validateSeccompAnnotation(field: string, profile: string): FieldError[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return [];
  if (profile.startsWith(localhost)) return validateDescendingPath(field, profile.slice(localhost.length));
  return [invalid(field, profile, 'must be a valid seccomp profile')];
}

function validateAppArmorAnnotation(
  field: string,
  profile: string,
  { key, spec }: { readonly key: string; readonly spec: PodSpec },
): FieldError[] {
  const name = key.slice(appArmorPrefix.length);
  const errors: FieldError[] = [];
  if (!containersWithPaths(spec, '').some(({ container }) => container.name === name)) {
    errors.push(invalid(field, name, 'container not found'));
  }
  if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith(localhost)) {
    errors.push(invalid(field, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`));
  }
  return errors;
}

/** A container's profile was an annotation before it was a field: kubelets look at the field only. */
export function fillAppArmorFields({ metadata, spec }: Pod, warn?: (text: string) => void): void {
  const { annotations } = metadata;
  if (!spec || !annotations || spec.os?.name === 'windows') return;
  for (const { container } of containersWithPaths(spec, '')) {
    const key = appArmorPrefix + container.name;
    const annotation = annotations[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = appArmorProfileOf(annotation);
    // What all containers have need not be said of one.
    if (profile && deepEqual(profile, spec.securityContext?.appArmorProfile)) continue;
    if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    warn?.(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
}

function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (!annotation.startsWith(localhost)) return undefined;
  const profile = { type: 'Localhost', localhostProfile: annotation.slice(localhost.length) };
  return validateAppArmorProfile(profile, '').length > 0 ? undefined : profile;
}

/** Where both an annotation and a field say which profile, they say the same. */
export function validateAnnotationsOfCreate(
  { annotations = {} }: Annotated,
  spec: PodSpec,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const compare = (at: string, annotation: string | undefined, field: SeccompProfile | undefined, what: string) => {
    if (annotation !== undefined && field) errors.push(...mismatch(at, annotation, { field, what }));
  };
  const ofPod = spec.securityContext;
  compare(`${path}.securityContext.seccompProfile`, annotations[seccompPod], ofPod?.seccompProfile, 'seccomp');
  const containers = containersWithPaths(spec, path);
  for (const { container, path: at } of containers) {
    const annotation = annotations[seccompContainer + container.name];
    compare(`${at}.securityContext.seccompProfile`, annotation, container.securityContext?.seccompProfile, 'seccomp');
  }
  if (spec.os?.name === 'windows') return errors;
  for (const { container, path: at } of containers) {
    const field = container.securityContext?.appArmorProfile ?? ofPod?.appArmorProfile;
    compare(`${at}.securityContext.appArmorProfile`, annotations[appArmorPrefix + container.name], field, 'apparmor');
  }
  return errors;
}

interface Profile {
  readonly field: SeccompProfile;
  /** `seccomp` or `apparmor`. */
  readonly what: string;
}

function mismatch(path: string, annotation: string, { field, what }: Profile): FieldError[] {
  const wrongType = forbidden(`${path}.type`, `${what} type in annotation and field must match`);
  if (field.type === 'Unconfined') return annotation === 'unconfined' ? [] : [wrongType];
  if (field.type === 'RuntimeDefault') {
    const same = annotation === 'runtime/default' || (what === 'seccomp' && annotation === 'docker/default');
    return same ? [] : [wrongType];
  }
  if (field.type !== 'Localhost') return [];
  if (!annotation.startsWith(localhost)) return [wrongType];
  if (annotation.slice(localhost.length) === field.localhostProfile) return [];
  return [forbidden(`${path}.localhostProfile`, `${what} profile in annotation and field must match`)];
}

/** A Pod that stands for one of the kubelet's own stays that, and profiles stay as they are. */
export function validateAnnotationUpdates(meta: Annotated, old: Annotated): FieldError[] {
  const [now, before] = [meta.annotations ?? {}, old.annotations ?? {}];
  const mayNot = (what: string, key: string): FieldError[] => {
    const at = `metadata.annotations[${key}]`;
    if (key.startsWith(appArmorPrefix)) return [forbidden(at, `may not ${what} AppArmor annotations`)];
    return key === mirrorAnnotation ? [forbidden(at, `may not ${what} mirror pod annotation`)] : [];
  };
  const changed = Object.keys(before).filter((key) => now[key] !== before[key]);
  const added = Object.keys(now).filter((key) => !Object.hasOwn(before, key));
  return [...changed.flatMap((key) => mayNot('remove or update', key)), ...added.flatMap((key) => mayNot('add', key))];
}
