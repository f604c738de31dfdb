import { age } from '../../../../apimachinery/duration.ts';
import type { KubeObject } from '../../../../apimachinery/object.ts';
import { validateStrictEvent, validateStrictEventUpdate } from '../../../core/v1/event/validation.ts';
import type { Event as CoreEvent } from '../../../core/v1/types.generated.ts';
import { column, type Kind, nameColumn } from '../../../define.ts';
import type { Event } from '../types.generated.ts';
import { eventFromCore, eventToCore } from './conversion.ts';

const wide = { priority: 1 } as const;

export const eventsEvent: Kind<Event> = {
  storage: {
    group: '',
    resource: 'events',
    fromStorage: (objects) => objects.map((object) => eventFromCore(object as unknown as CoreEvent) as KubeObject),
    toStorage: (object) => eventToCore(object as unknown as Event) as KubeObject,
  },
  strategy: {
    validate: (event) => validateStrictEvent(eventToCore(event)),
    validateUpdate: (event, old) => validateStrictEventUpdate(eventToCore(event), eventToCore(old)),
  },
  allowCreateOnUpdate: true,
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding?.kind,
    'regarding.namespace': ({ regarding }) => regarding?.namespace,
    'regarding.name': ({ regarding }) => regarding?.name,
    'regarding.uid': ({ regarding }) => regarding?.uid,
    reason: ({ reason }) => reason,
    reportingController: ({ reportingController }) => reportingController,
    type: ({ type }) => type,
  },
  columns: [
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
  ],
  cells(event, now) {
    const { metadata, regarding = {}, series } = event;
    const first = event.deprecatedFirstTimestamp ?? event.eventTime;
    const kind = (regarding.kind ?? '').toLowerCase();
    return [
      age(series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? first, now),
      event.type ?? '',
      event.reason ?? '',
      regarding.name ? `${kind}/${regarding.name}` : kind,
      regarding.fieldPath ?? '',
      [event.reportingController, event.reportingInstance].filter(Boolean).join(', '),
      (event.note ?? '').trim(),
      age(first, now),
      series?.count ?? (event.deprecatedCount || 1),
      metadata.name,
    ];
  },
};
