// Events of both groups are one set of objects, kept as core/v1: this is the other view of them.
import type { Event as CoreEvent } from '../../../core/v1/types.generated.ts';
import type { Event } from '../types.generated.ts';

/** Fields that both have, under each one's name: core/v1 first. */
const renamed = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
] as const;

type Fields = Record<string, unknown>;

/** As Go prints a time or an object that is not set. */
const unset: Readonly<Fields> = {
  involvedObject: {},
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  regarding: {},
  deprecatedSource: {},
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
};

function rename(event: Fields, pairs: readonly (readonly [string, string])[]): Fields {
  const names = new Map(pairs);
  const result: Fields = {};
  for (const [name, value] of Object.entries(event)) result[names.get(name) ?? name] = value;
  for (const [, name] of pairs)
    if (result[name] === undefined && Object.hasOwn(unset, name)) result[name] = unset[name];
  result.eventTime ??= null;
  return result;
}

export function eventFromCore(event: CoreEvent): Event {
  const { reportingComponent, reportingInstance, ...rest } = event;
  const texts = { ...(reportingComponent && { reportingComponent }), ...(reportingInstance && { reportingInstance }) };
  const renamedEvent = rename({ ...rest, ...texts }, renamed) as unknown as Event;
  return { ...renamedEvent, kind: 'Event', apiVersion: 'events.k8s.io/v1' };
}

export function eventToCore(event: Event): CoreEvent {
  const back = renamed.map(([core, other]) => [other, core] as const);
  const { reportingController = '', reportingInstance = '' } = event;
  const core = rename({ ...event, reportingController, reportingInstance } as unknown as Fields, back);
  return { ...(core as unknown as CoreEvent), kind: 'Event', apiVersion: 'v1' };
}
