// What a LimitRange gives to containers that do not say.

import type { Container, LimitRange, Pod } from '../../../api/core/v1/types.generated.ts';
import type { ResourceList } from '../../../apimachinery/resource-list.ts';
import { ownValue } from '../../../apimachinery/table.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** Fills in, and writes down in an annotation what it filled in. */
export function fillResources({ spec }: LimitRange, pod: Pod): void {
  const items = (spec.limits ?? []).filter(({ type }) => type === 'Container');
  const requests: ResourceList = Object.assign({}, ...items.map(({ defaultRequest }) => defaultRequest));
  const limits: ResourceList = Object.assign({}, ...items.map((item) => item.default));
  const notes = [
    ...(pod.spec?.containers ?? []).flatMap((container) => fill(container, 'container', { requests, limits })),
    ...(pod.spec?.initContainers ?? []).flatMap((container) => fill(container, 'init container', { requests, limits })),
  ];
  if (notes.length === 0) return;
  const text = `LimitRanger plugin set: ${notes.join('; ')}`;
  pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: text };
}

function fill(
  container: Container,
  what: string,
  { requests, limits }: { readonly requests: ResourceList; readonly limits: ResourceList },
): string[] {
  const present = container.resources ?? {};
  const missing = (from: ResourceList, have: ResourceList | undefined): string[] =>
    Object.keys(from)
      .filter((name) => ownValue(have, name) === undefined)
      .sort();
  const absentLimits = missing(limits, present.limits);
  const absentRequests = missing(requests, present.requests);
  if (absentLimits.length > 0) present.limits = { ...limits, ...present.limits };
  if (absentRequests.length > 0) present.requests = { ...requests, ...present.requests };
  if (absentLimits.length + absentRequests.length > 0) container.resources = present;
  return [
    ...(absentRequests.length > 0 ? [`${absentRequests.join(', ')} request for ${what} ${container.name}`] : []),
    ...(absentLimits.length > 0 ? [`${absentLimits.join(', ')} limit for ${what} ${container.name}`] : []),
  ];
}
