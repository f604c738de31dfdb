import { age } from '../../../../apimachinery/duration.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import { column, type Kind, nameColumn } from '../../../define.ts';
import type { Column } from '../../../resource.ts';
import type { Event } from '../types.generated.ts';
import { validateEvent } from './validation.ts';

const wide = { priority: 1 } as const;

/** Of both groups that have events. */
export const eventColumns: readonly Column[] = [
  column('Last Seen', 'How long ago it happened last.'),
  column('Type', 'Normal or Warning.'),
  column('Reason', 'One word for what happened.'),
  column('Object', 'What it happened to.'),
  column('Subobject', 'Which part of it.', wide),
  column('Source', 'Who tells.', wide),
  column('Message', 'What happened.'),
  column('First Seen', 'How long ago it happened first.', wide),
  column('Count', 'How often it happened.', wide),
  { ...nameColumn, priority: 1 },
];

/** The cells of {@link eventColumns}. */
export function eventCells(event: Event, now: number): unknown[] {
  const { metadata, involvedObject, source, series } = event;
  const first = event.firstTimestamp ?? event.eventTime;
  const last = series ? series.lastObservedTime : (event.lastTimestamp ?? first);
  const kind = (involvedObject.kind ?? '').toLowerCase();
  const component = source?.component || event.reportingComponent || '';
  const instance = source?.host || event.reportingInstance;
  return [
    age(last, now),
    event.type ?? '',
    event.reason ?? '',
    involvedObject.name ? `${kind}/${involvedObject.name}` : kind,
    involvedObject.fieldPath ?? '',
    instance ? `${component}, ${instance}` : component,
    (event.message ?? '').trim(),
    age(first, now),
    series ? (series.count ?? 0) : event.count || 1,
    metadata.name,
  ];
}

export const event: Kind<Event> = {
  strategy: {
    default(object) {
      object.source ??= {};
      object.reportingComponent ??= '';
      object.reportingInstance ??= '';
    },
    validate: validateEvent,
    validateUpdate: validateEvent,
  },
  nameRule: pathSegment,
  allowCreateOnUpdate: true,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind,
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace,
    'involvedObject.name': ({ involvedObject }) => involvedObject.name,
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid,
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion,
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion,
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath,
    reason: ({ reason }) => reason,
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source?.component || reportingComponent,
    type: ({ type }) => type,
  },
  columns: eventColumns,
  cells: eventCells,
};
