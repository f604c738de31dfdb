// Topology hints from `spec.trafficDistribution` (KEP-2433, KEP-4444).

import type { Service } from '../../api/core/v1/types.generated.ts';
import type { Endpoint, EndpointHints, EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { table } from '../../apimachinery/table.ts';

type Distribution = 'zone' | 'node' | undefined;

const distributions = table<Distribution>({
  PreferClose: 'zone',
  PreferSameZone: 'zone',
  PreferSameNode: 'node',
});

/** Is it a `spec.trafficDistribution` that is known? */
export function usesTrafficDistribution({ spec }: Readonly<Service>): boolean {
  return distributions[spec.trafficDistribution ?? ''] !== undefined;
}

/** Sets the hints of all endpoints of a slice in place; true when any changed. */
export function setHints(service: Readonly<Service>, slice: EndpointSlice): boolean {
  const distribution = distributions[service.spec.trafficDistribution ?? ''];
  let changed = false;
  for (const endpoint of slice.endpoints ?? []) {
    // Whoever is not ready keeps what it had: its hints take part in nothing, and a change would be a needless write.
    if (distribution && endpoint.conditions?.ready !== true) continue;
    const hints = hintsOf(endpoint, distribution);
    if (jsonEqual(hints, endpoint.hints)) continue;
    if (hints) endpoint.hints = hints;
    else delete endpoint.hints;
    changed = true;
  }
  return changed;
}

function hintsOf({ zone, nodeName }: Endpoint, distribution: Distribution): EndpointHints | undefined {
  if (!distribution) return undefined;
  const forZones = zone ? { forZones: [{ name: zone }] } : {};
  const forNodes = distribution === 'node' && nodeName ? { forNodes: [{ name: nodeName }] } : {};
  const hints = { ...forZones, ...forNodes };
  return Object.keys(hints).length > 0 ? hints : undefined;
}
