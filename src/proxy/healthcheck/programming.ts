// How long it took from the change of an endpoint until this node's rules knew of it.
import { lastChangeTriggerTime } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { IPFamily } from '../../net/ip.ts';

export interface ProgrammingTime {
  readonly family: IPFamily;
  readonly seconds: number;
}

/**
 * One per slice that a sync brought into the kernel, where its time is known. Times are in milliseconds since the Unix epoch;
 * changes before `since` were not this process's to bring.
 */
export function programmingTimes(
  slices: readonly Readonly<EndpointSlice>[],
  { since, now }: { readonly since: number; readonly now: number },
): ProgrammingTime[] {
  return slices.flatMap(({ metadata, addressType }) => {
    const trigger = Date.parse(metadata.annotations?.[lastChangeTriggerTime] ?? '');
    if (Number.isNaN(trigger) || trigger < since) return [];
    const family = addressType === 'IPv6' ? 'IPv6' : 'IPv4';
    return [{ family, seconds: Math.max(0, now - trigger) / 1000 } as const];
  });
}
