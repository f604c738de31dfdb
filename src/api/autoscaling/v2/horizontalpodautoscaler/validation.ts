import { parseQuantity } from '../../../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { nonNegative } from '../../../validation/values.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  if (!spec) return [required('spec')];
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec;
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
    ...validateRules(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateRules(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ];
}

function validateReference(reference: CrossVersionObjectReference | undefined, path: string): FieldError[] {
  return (['kind', 'name'] as const).flatMap((field) => {
    const value = reference?.[field];
    return value ? nameErrors(pathSegment, `${path}.${field}`, value) : [required(`${path}.${field}`)];
  });
}

const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;

function validateMetric(metric: MetricSpec, path: string): FieldError[] {
  const { type } = metric;
  if (!type) return [required(`${path}.type`, 'must specify a metric source type')];
  if (!Object.hasOwn(sources, type)) return [notSupported(`${path}.type`, type, Object.keys(sources))];
  const expected = sources[type as keyof typeof sources];
  const errors = Object.values(sources).flatMap((source) =>
    source !== expected && metric[source]
      ? [forbidden(`${path}.${source}`, 'must populate the given metric source only')]
      : [],
  );
  if (!metric[expected]) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  return [...errors, ...validateSource(metric, path)];
}

function validateSource(
  { object, pods, resource, containerResource, external }: MetricSpec,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const perPod = 'must set either a target value for metric or a per-pod target';
  if (object) {
    const at = `${path}.object`;
    errors.push(...validateReference(object.describedObject, `${at}.describedObject`));
    errors.push(...validateIdentifier(object.metric, `${at}.metric`), ...validateTarget(object.target, `${at}.target`));
    if (!object.target?.value && !object.target?.averageValue)
      errors.push(required(`${at}.target.averageValue`, perPod));
  }
  if (external) {
    const at = `${path}.external`;
    const { target } = external;
    errors.push(...validateIdentifier(external.metric, `${at}.metric`), ...validateTarget(target, `${at}.target`));
    if (!target?.value && !target?.averageValue) errors.push(required(`${at}.target.averageValue`, perPod));
    if (target?.value && target.averageValue) {
      errors.push(forbidden(`${at}.target.value`, 'may not set both a target value for metric and a per-pod target'));
    }
  }
  if (pods) {
    const at = `${path}.pods`;
    errors.push(...validateIdentifier(pods.metric, `${at}.metric`), ...validateTarget(pods.target, `${at}.target`));
    if (!isPositive(pods.target?.averageValue)) {
      errors.push(required(`${at}.target.averageValue`, 'must specify a positive target averageValue'));
    }
  }
  if (resource) errors.push(...validateResource(resource, `${path}.resource`));
  if (containerResource) {
    const at = `${path}.containerResource`;
    if (!containerResource.container) errors.push(required(`${at}.container`, 'must specify a container'));
    errors.push(...validateResource(containerResource, at));
  }
  return errors;
}

function validateResource(
  { name, target }: { readonly name: string; readonly target: MetricTarget },
  path: string,
): FieldError[] {
  const errors = name ? [] : [required(`${path}.name`, 'must specify a resource name')];
  errors.push(...validateTarget(target, `${path}.target`));
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization';
    errors.push(required(`${path}.target.averageUtilization`, why));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target raw value and a target utilization';
    errors.push(forbidden(`${path}.target.averageValue`, why));
  }
  return errors;
}

function validateIdentifier(metric: MetricIdentifier | undefined, path: string): FieldError[] {
  if (!metric?.name) return [required(`${path}.name`, 'must specify a metric name')];
  return nameErrors(pathSegment, `${path}.name`, metric.name);
}

function isPositive(amount: string | undefined): boolean {
  return amount !== undefined && parseQuantity(amount).nano > 0n;
}

function validateTarget(target: MetricTarget | undefined, path: string): FieldError[] {
  const { type, value, averageValue, averageUtilization } = target ?? { type: '' };
  const errors: FieldError[] = [];
  if (!type) errors.push(required(`${path}.type`, 'must specify a metric target type'));
  else if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
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
  if (tolerance !== undefined) errors.push(...nonNegative(`${path}.tolerance`, Number(parseQuantity(tolerance).nano)));
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
