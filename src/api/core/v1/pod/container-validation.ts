// What the API server refuses in the containers of a Pod: regular ones, those that come before, those added to debug.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { validateRequiredName } from '../../../validation/references.ts';
import { oneOf, optionalOneOf, requiredText } from '../../../validation/values.ts';
import type { Container, ContainerRestartRule, EphemeralContainer, PodSpec } from '../types.generated.ts';
import { validateResizePolicy, validateResources } from './container-resources.ts';
import { validateEnv, validateEnvFrom } from './environment.ts';
import { validateVolumeDevices, validateVolumeMounts } from './mounts.ts';
import { validateContainerPorts, validateHostPortsDiffer } from './network.ts';
import { validateLifecycle, validateProbes } from './probes.ts';
import type { PodScope } from './scope.ts';
import { validateSecurityContext } from './security-context.ts';

const { required, forbidden, invalid, duplicate, notFound, notSupported, tooMany } = fieldError;

/** Of containers of every sort. */
function validateContainer(container: Container, path: string, scope: PodScope): FieldError[] {
  return [
    ...validateRequiredName(`${path}.name`, container.name, dns1123Label),
    ...requiredText(`${path}.image`, container.image),
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...validateContainerPorts(container.ports ?? [], `${path}.ports`),
    ...validateEnv(container.env ?? [], `${path}.env`),
    ...validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`),
    ...validateVolumeMounts(container, `${path}.volumeMounts`, scope.volumes),
    ...validateVolumeDevices(container, `${path}.volumeDevices`, scope.volumes),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validateResources(container.resources ?? {}, `${path}.resources`, scope.claimNames),
    ...validateResizePolicy(container.resizePolicy ?? [], `${path}.resizePolicy`, scope.restartPolicy),
    ...validateSecurityContext(container.securityContext, `${path}.securityContext`, scope),
  ];
}

/** Of those that run beside others for as long as the Pod does: they are asked how they are. */
function validateRunning(container: Container, path: string, scope: PodScope): FieldError[] {
  return [...validateLifecycle(container, path, scope), ...validateProbes(container, path)];
}

export function validateContainers({ containers = [] }: PodSpec, path: string, scope: PodScope): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const own = validateContainer(container, at, scope);
    if (names.has(container.name)) own.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    return [...own, ...validateRunning(container, at, scope), ...validateRestartRules(container, at)];
  });
  return [...errors, ...validateHostPortsDiffer(containers, path)];
}

const notForInit = 'may not be set for init containers without restartPolicy=Always';

/** One after the other, except for those that go on beside the regular ones (`restartPolicy: Always`). */
export function validateInitContainers(spec: PodSpec, path: string, scope: PodScope): FieldError[] {
  const names = new Set((spec.containers ?? []).map(({ name }) => name));
  return (spec.initContainers ?? []).flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const errors = [...validateContainer(container, at, scope), ...validateInitRestart(container, at)];
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if (container.name) names.add(container.name);
    // They do not run at the same time, so that each is compared with itself only; upstream counts from 0 then.
    errors.push(...validateHostPortsDiffer([container], path));
    if (container.restartPolicy === 'Always') return [...errors, ...validateRunning(container, at, scope)];
    const fields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;
    const given = fields.filter((field) => container[field] !== undefined);
    return [
      ...errors,
      ...given.map((field) => forbidden(`${at}.${field}`, notForInit)),
      ...validateInitResizePolicy(container, `${at}.resizePolicy`),
    ];
  });
}

/** Without a policy of its own the rules are not looked at. */
function validateInitRestart(container: Container, path: string): FieldError[] {
  if (container.restartPolicy !== undefined) return validateRestartRules(container, path);
  if (!container.restartPolicyRules?.length) return [];
  return [required(`${path}.restartPolicy`, rulesNeedPolicy)];
}

/** What runs once to its end is not begun again for other resources. */
function validateInitResizePolicy({ resizePolicy = [] }: Container, path: string): FieldError[] {
  const why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
  return resizePolicy.flatMap(({ restartPolicy }, i) =>
    restartPolicy === 'RestartContainer' ? [invalid(`${path}[${i}].restartPolicy`, restartPolicy, why)] : [],
  );
}

const rulesNeedPolicy = 'must specify restartPolicy when restart rules are used';
const maxRules = 20;
const maxExitCodes = 255;

/** What happens when this container ends, whatever the Pod's policy (KEP-5307). */
function validateRestartRules({ restartPolicy, restartPolicyRules = [] }: Container, path: string): FieldError[] {
  const at = `${path}.restartPolicyRules`;
  const errors = optionalOneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']);
  if (restartPolicy === undefined && restartPolicyRules.length > 0) {
    errors.push(required(`${path}.restartPolicy`, rulesNeedPolicy));
  }
  if (restartPolicyRules.length > maxRules) errors.push(tooMany(at, restartPolicyRules.length, maxRules));
  return [...errors, ...restartPolicyRules.flatMap((rule, i) => validateRestartRule(rule, `${at}[${i}]`))];
}

function validateRestartRule({ action, exitCodes }: ContainerRestartRule, path: string): FieldError[] {
  const actions = ['Restart', 'RestartAllContainers'];
  const errors = actions.includes(action) ? [] : [notSupported(`${path}.action`, action, actions)];
  if (!exitCodes) return [...errors, required(`${path}.exitCodes`, 'must be specified')];
  const operators = ['In', 'NotIn'];
  if (!operators.includes(exitCodes.operator)) {
    errors.push(notSupported(`${path}.exitCodes.operator`, exitCodes.operator, operators));
  }
  const count = exitCodes.values?.length ?? 0;
  if (count > maxExitCodes) errors.push(tooMany(`${path}.exitCodes.values`, count, maxExitCodes));
  return errors;
}

/** Fields that make a container part of the Pod's service: who only looks has no use for them. */
const notForEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export function validateEphemeralContainers(spec: PodSpec, path: string, scope: PodScope): FieldError[] {
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name);
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = `${path}[${i}]`;
    const errors = validateContainer(container as Container, at, scope);
    errors.push(...validateImageText(container as Container, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.includes(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    return [...errors, ...validateEphemeralFields(container, at)];
  });
}

function validateEphemeralFields(container: EphemeralContainer, path: string): FieldError[] {
  const why = 'cannot be set for an Ephemeral Container';
  const { resources } = container;
  const given = { ...container, resources: resources?.limits ?? resources?.requests ?? resources?.claims };
  const errors: FieldError[] = notForEphemeral
    .filter((field) => given[field] !== undefined)
    .map((field) => forbidden(`${path}.${field}`, why));
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}.volumeMounts[${i}]`;
    if (mount.subPath) errors.push(forbidden(`${at}.subPath`, why));
    if (mount.subPathExpr) errors.push(forbidden(`${at}.subPathExpr`, why));
  }
  return errors;
}

/** A Pod's image is a name; a template's may be a text that something else replaces. */
export function validateImageText({ image = '' }: Pick<Container, 'image'>, path: string): FieldError[] {
  if (image.trim() === image) return [];
  return [invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')];
}
