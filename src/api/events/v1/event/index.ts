import type { KubeObject } from '../../../../apimachinery/object.ts';
import { eventCells, eventColumns } from '../../../core/v1/event/index.ts';
import { validateStrictEvent, validateStrictEventUpdate } from '../../../core/v1/event/validation.ts';
import type { Event as CoreEvent } from '../../../core/v1/types.generated.ts';
import type { Kind } from '../../../define.ts';
import type { Event } from '../types.generated.ts';
import { eventFromCore, eventToCore } from './conversion.ts';

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
  columns: eventColumns,
  cells: (event, now) => eventCells(eventToCore(event), now),
};
