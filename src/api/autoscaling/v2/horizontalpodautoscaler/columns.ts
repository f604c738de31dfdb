// A row of `kubectl get hpa`.
import { ageCell, ageColumn, column, nameColumn } from '../../../define.ts';
import type { HorizontalPodAutoscaler, MetricSpec, MetricTarget, MetricValueStatus } from '../types.generated.ts';

export const columns = [
  nameColumn,
  column('Reference', 'What it scales.'),
  column('Targets', 'What it measures, and aims at.'),
  column('MinPods', 'At least so many.'),
  column('MaxPods', 'At most so many.'),
  column('Replicas', 'Present ones.'),
  ageColumn,
];

const shown = 2;
const unknown = '<unknown>';

/** `cpu: 40%/80%`, or `12/30 (avg)`. */
function targetCell({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const texts = metrics.slice(0, shown).map((metric, i) => {
    const now = status?.currentMetrics?.[i];
    const source = sourceOf(metric);
    const current = now && sourceOf(now)?.current;
    return source?.target ? metricText(metric, source.target, current) : '<unknown type>';
  });
  const more = metrics.length - shown;
  return texts.join(', ') + (more > 0 ? ` + ${more} more...` : '');
}

interface AnySource {
  readonly name?: string;
  readonly target?: MetricTarget;
  readonly current?: MetricValueStatus;
}

function sourceOf(metric: Partial<Omit<MetricSpec, 'type'>> | object): AnySource | undefined {
  const { resource, containerResource, pods, object, external } = metric as Record<string, AnySource | undefined>;
  return resource ?? containerResource ?? pods ?? object ?? external;
}

function metricText(metric: MetricSpec, target: MetricTarget, current: MetricValueStatus | undefined): string {
  const named = metric.resource ?? metric.containerResource;
  if (named) {
    if (target.averageValue !== undefined) {
      return `${named.name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
    }
    const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
    return `${named.name}: ${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
  }
  if (target.averageValue === undefined) return `${current?.value ?? unknown}/${target.value ?? '<auto>'}`;
  return `${current?.averageValue ?? unknown}/${target.averageValue}${metric.pods ? '' : ' (avg)'}`;
}

export function cells(object: HorizontalPodAutoscaler, now: number): unknown[] {
  const { metadata, spec, status } = object;
  return [
    metadata.name,
    `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`,
    targetCell(object),
    String(spec?.minReplicas ?? '<unset>'),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageCell(object, now),
  ];
}
