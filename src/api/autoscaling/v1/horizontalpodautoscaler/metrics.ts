// Metrics as autoscaling/v1 carries them in annotations: the flat form that v2beta1 had.

import type { LabelSelector } from '../../../../apimachinery/meta/v1.generated.ts';
import type {
  CrossVersionObjectReference,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../v2/types.generated.ts';

/** Fields of all sorts of metrics together; `target` and `current` stand before what they say: `targetAverageValue`. */
interface FlatFields {
  name?: string;
  container?: string;
  target?: CrossVersionObjectReference;
  metricName?: string;
  selector?: LabelSelector;
  metricSelector?: LabelSelector;
  averageValue?: string;
  targetAverageUtilization?: number;
  targetAverageValue?: string;
  targetValue?: string;
  currentAverageUtilization?: number;
  currentAverageValue?: string;
  currentValue?: string;
}

export type FlatMetric = { type: string } & Partial<Record<Source, FlatFields>>;

type Source = 'resource' | 'containerResource' | 'pods' | 'object' | 'external';
const sources: readonly Source[] = ['resource', 'containerResource', 'pods', 'object', 'external'];

function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** As upstream's types have them, so that the text of an annotation is the same. */
const order: readonly (keyof FlatFields)[] = [
  'name',
  'target',
  'metricName',
  'metricSelector',
  'targetValue',
  'currentValue',
  'targetAverageUtilization',
  'currentAverageUtilization',
  'targetAverageValue',
  'currentAverageValue',
  'selector',
  'averageValue',
  'container',
];

function ordered(fields: FlatFields): FlatFields {
  return defined(Object.fromEntries(order.map((name) => [name, fields[name]]))) as FlatFields;
}

interface Nested {
  readonly name?: string;
  readonly container?: string;
  readonly describedObject?: CrossVersionObjectReference;
  readonly metric?: { readonly name: string; readonly selector?: LabelSelector };
}

/** What names the metric, without its amounts. */
function flatNames(source: Source, { name, container, describedObject, metric }: Nested): FlatFields {
  const selector = source === 'external' ? { metricSelector: metric?.selector } : { selector: metric?.selector };
  return defined({ name, container, target: describedObject, metricName: metric?.name, ...selector }) as FlatFields;
}

function nestedNames(source: Source, flat: FlatFields): Nested {
  if (source === 'resource' || source === 'containerResource') {
    return defined({ name: flat.name, container: flat.container }) as Nested;
  }
  const selector = source === 'external' ? flat.metricSelector : flat.selector;
  const metric = { name: flat.metricName ?? '', ...(selector && { selector }) };
  return defined({ describedObject: flat.target, metric }) as Nested;
}

/**
 * The value of an object itself has a name without a prefix. An amount that upstream's type always has is printed as Go prints
 * one that is not set.
 */
function flatAmounts(source: Source, prefix: 'target' | 'current', amounts: MetricValueStatus): FlatFields {
  const average = source === 'object' ? 'averageValue' : `${prefix}AverageValue`;
  const always = alwaysThere(source, prefix);
  return defined({
    [`${prefix}AverageUtilization`]: amounts.averageUtilization,
    [average]: amounts.averageValue ?? (always === 'averageValue' ? '0' : undefined),
    [`${prefix}Value`]: amounts.value ?? (always === 'value' ? '0' : undefined),
  }) as FlatFields;
}

function alwaysThere(source: Source, prefix: 'target' | 'current'): 'averageValue' | 'value' | undefined {
  if (source === 'object') return 'value';
  if (source === 'pods') return 'averageValue';
  if (prefix === 'target') return undefined;
  return source === 'external' ? 'value' : 'averageValue';
}

/** An amount of nothing beside another amount is none. */
function nestedAmounts(source: Source, prefix: 'target' | 'current', flat: FlatFields): MetricValueStatus {
  const amounts = {
    averageUtilization: flat[`${prefix}AverageUtilization`],
    averageValue: source === 'object' ? flat.averageValue : flat[`${prefix}AverageValue`],
    value: flat[`${prefix}Value`],
  };
  const always = alwaysThere(source, prefix);
  const isFiller = always !== undefined && amounts[always] === '0';
  const given = Object.values(amounts).filter((amount) => amount !== undefined).length;
  return defined({ ...amounts, ...(isFiller && given > 1 && { [always]: undefined }) }) as MetricValueStatus;
}

function targetType({ averageUtilization, averageValue }: MetricValueStatus): string {
  if (averageUtilization !== undefined) return 'Utilization';
  return averageValue !== undefined ? 'AverageValue' : 'Value';
}

export function flatSpec(metric: MetricSpec): FlatMetric {
  return convert(metric, (source, content) =>
    ordered({
      ...flatNames(source, content),
      ...flatAmounts(source, 'target', (content as { target: MetricTarget }).target ?? {}),
    }),
  ) as FlatMetric;
}

export function flatStatus(metric: MetricStatus): FlatMetric {
  return convert(metric, (source, content) =>
    ordered({
      ...flatNames(source, content),
      ...flatAmounts(source, 'current', (content as { current: MetricValueStatus }).current ?? {}),
    }),
  ) as FlatMetric;
}

export function nestedSpec(metric: FlatMetric): MetricSpec {
  return convert(metric, (source, flat: FlatFields) => {
    const amounts = nestedAmounts(source, 'target', flat);
    return { ...nestedNames(source, flat), target: { type: targetType(amounts), ...amounts } };
  }) as MetricSpec;
}

export function nestedStatus(metric: FlatMetric): MetricStatus {
  return convert(metric, (source, flat: FlatFields) => ({
    ...nestedNames(source, flat),
    current: nestedAmounts(source, 'current', flat),
  })) as MetricStatus;
}

function convert(
  metric: { readonly type: string } & Partial<Record<Source, object>>,
  change: (source: Source, content: object) => object,
): object {
  const content = sources.flatMap((source) => {
    const found = metric[source];
    return found ? [[source, change(source, found)] as const] : [];
  });
  return { type: metric.type, ...Object.fromEntries(content) };
}
