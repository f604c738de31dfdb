import { parseQuantity } from '../../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validateContainerResourceName, validateNonNegativeQuantity } from '../../../validation/quantities.ts';
import { validateRequiredSegment } from '../../../validation/references.ts';
import { nonNegative, requiredText } from '../../../validation/values.ts';
import type {
  CrossVersionObjectReference,
  ExternalMetricSource,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
} from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const toZero = 'must specify at least one Object or External metric to support scaling to zero replicas';

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  if (!spec) return [required('spec')];
  const { minReplicas, maxReplicas = 0, scaleTargetRef, behavior } = spec;
  const metrics = spec.metrics ?? [];
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  }
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  return [
    ...errors,
    ...validateReference(scaleTargetRef, 'spec.scaleTargetRef'),
    ...metrics.flatMap((metric, i) => validateMetric(metric, `spec.metrics[${i}]`)),
    ...(minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')
      ? [forbidden('spec.metrics', toZero)]
      : []),
    ...validateRules(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateRules(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ];
}

function validateReference(reference: CrossVersionObjectReference | undefined, path: string): FieldError[] {
  return (['kind', 'name'] as const).flatMap((field) =>
    validateRequiredSegment(`${path}.${field}`, reference?.[field]),
  );
}

const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;

type Source = (typeof sources)[keyof typeof sources];
/** In which upstream looks for them. */
const order: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource'];
const noName = 'must specify a resource name';

function validateMetric(metric: MetricSpec, path: string): FieldError[] {
  const type = metric.type ?? '';
  const at = `${path}.type`;
  const isKnown = Object.hasOwn(sources, type);
  const unknown = isKnown ? [] : [notSupported(at, type, Object.keys(sources))];
  const errors = [...(type ? [] : [required(at, 'must specify a metric source type')]), ...unknown];
  const present = order.filter((source) => metric[source] !== undefined);
  // Only the first of them is looked into.
  if (present[0]) errors.push(...validateSource(metric, present[0], `${path}.${present[0]}`));
  const expected = isKnown ? sources[type as keyof typeof sources] : undefined;
  if (expected && !metric[expected]) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  const others = present.length === 1 ? [] : present.filter((source) => source !== expected);
  return [
    ...errors,
    ...unknown,
    ...others.map((source) => forbidden(`${path}.${source}`, 'must populate the given metric source only')),
  ];
}

function validateSource(metric: MetricSpec, source: Source, path: string): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  if (source === 'object' && object) return validateObject(object, path);
  if (source === 'external' && external) return validateExternal(external, path);
  if (source === 'pods' && pods) {
    return [
      ...validateIdentifier(pods.metric, `${path}.metric`),
      ...validateTarget(pods.target, `${path}.target`),
      ...(pods.target?.averageValue === undefined
        ? [required(`${path}.target.averageValue`, 'must specify a positive target averageValue')]
        : []),
    ];
  }
  if (source === 'resource' && resource) {
    return [
      ...requiredText(`${path}.name`, resource.name, noName),
      ...validateShare(resource.target, `${path}.target`),
    ];
  }
  if (!containerResource) return [];
  const { name, container, target } = containerResource;
  return [
    ...(name ? validateContainerResourceName(`${path}.name`, name) : [required(`${path}.name`, noName)]),
    ...(container
      ? nameErrors(dns1123Label, `${path}.container`, container)
      : [required(`${path}.container`, 'must specify a container')]),
    ...validateShare(target, `${path}.target`),
  ];
}

function validateObject(object: ObjectMetricSource, path: string): FieldError[] {
  const { describedObject, metric, target } = object;
  const errors = [
    ...validateReference(describedObject, `${path}.describedObject`),
    ...validateIdentifier(metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
  ];
  if (target?.value !== undefined || target?.averageValue !== undefined) return errors;
  return [...errors, required(`${path}.target.averageValue`, 'must set either a target value or averageValue')];
}

function validateExternal({ metric, target }: ExternalMetricSource, path: string): FieldError[] {
  const { value, averageValue } = target ?? {};
  const errors = [...validateIdentifier(metric, `${path}.metric`), ...validateTarget(target, `${path}.target`)];
  if (value === undefined && averageValue === undefined) {
    const why = 'must set either a target value for metric or a per-pod target';
    errors.push(required(`${path}.target.averageValue`, why));
  }
  if (value !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target value for metric and a per-pod target';
    errors.push(forbidden(`${path}.target.value`, why));
  }
  return errors;
}

/** Of a resource: an amount, or a part of what is asked for. */
function validateShare(target: MetricTarget | undefined, path: string): FieldError[] {
  const errors = validateTarget(target, path);
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization';
    errors.push(required(`${path}.averageUtilization`, why));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'));
  }
  return errors;
}

function validateIdentifier(metric: MetricIdentifier | undefined, path: string): FieldError[] {
  return validateRequiredSegment(`${path}.name`, metric?.name, 'must specify a metric name');
}

function isPositive(amount: string | undefined): boolean {
  return amount !== undefined && parseQuantity(amount).nano > 0n;
}

function validateTarget(target: MetricTarget | undefined, path: string): FieldError[] {
  const { type = '', value, averageValue, averageUtilization } = target ?? {};
  const errors: FieldError[] = [];
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const [field, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && !isPositive(amount))
      errors.push(invalid(`${path}.${field}`, amount, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  return errors;
}

function validateRules(rules: HPAScalingRules | undefined, path: string): FieldError[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const errors: FieldError[] = [];
  if (window !== undefined && window < 0) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > 3600) {
    errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600'));
  }
  if (tolerance !== undefined) errors.push(...validateNonNegativeQuantity(`${path}.tolerance`, tolerance));
  const choices = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !choices.includes(selectPolicy)) {
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, choices));
  }
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  for (const [i, { type, value, periodSeconds }] of policies.entries()) {
    const at = `${path}.policies[${i}]`;
    if (type !== 'Percent' && type !== 'Pods') errors.push(notSupported(`${at}.type`, type, ['Percent', 'Pods']));
    for (const [field, number] of Object.entries({ value, periodSeconds })) {
      if (!(number > 0)) errors.push(invalid(`${at}.${field}`, number ?? 0, 'must be greater than zero'));
    }
    if (periodSeconds > 1800) {
      errors.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800'));
    }
  }
  return errors;
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  return [
    ...nonNegative('status.currentReplicas', status?.currentReplicas),
    ...nonNegative('status.desiredReplicas', status?.desiredReplicas),
  ];
}
