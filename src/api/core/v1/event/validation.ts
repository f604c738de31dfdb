// What the API server refuses in events. Those of core/v1 are taken as old clients write them; those with an eventTime,
// and all of events.k8s.io/v1, must be complete.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { immutable } from '../../../validation/values.ts';
import type { Event } from '../types.generated.ts';

const { required, invalid } = fieldError;
const noteLimit = 1024;
const wordLimit = 128;

export function validateEvent(event: Event): FieldError[] {
  return validateAnyEvent(event, 'reportingComponent');
}

/** `controller`: what the version of the request calls who reports. */
function validateAnyEvent(event: Event, controller: string): FieldError[] {
  const errors = event.eventTime ? validateNewStyle(event, controller) : validateNamespace(event, ['default', '']);
  return [...errors, ...nameErrors(dns1123Subdomain, 'namespace', event.metadata.namespace ?? '')];
}

/** Events about things outside namespaces live in few places; all others beside what they are about. */
function validateNamespace({ involvedObject, metadata }: Event, places: readonly string[]): FieldError[] {
  const about = involvedObject?.namespace ?? '';
  const { namespace = '' } = metadata;
  const fits = about === '' ? places.includes(namespace) : about === namespace;
  return fits ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

function validateNewStyle(event: Event, controller: string): FieldError[] {
  const { reportingComponent = '', reportingInstance = '', action = '', reason = '', message = '' } = event;
  const errors = event.involvedObject?.namespace ? [] : validateNamespace(event, ['default', 'kube-system']);
  if (reportingComponent === '') errors.push(required(controller));
  errors.push(...nameErrors(qualifiedName, controller, reportingComponent));
  for (const [field, text] of Object.entries({ reportingInstance, action, reason })) {
    if (text === '') errors.push(required(field));
    errors.push(...atMost(field, text, wordLimit));
  }
  return [...errors, ...atMost('message', message, noteLimit)];
}

function atMost(field: string, text: string, limit: number): FieldError[] {
  return Buffer.byteLength(text) > limit ? [invalid(field, '', `can have at most ${limit} characters`)] : [];
}

/** Of an event that came as events.k8s.io/v1, in the form of core/v1. */
export function validateStrictEvent(event: Event): FieldError[] {
  const errors = [...validateAnyEvent(event, 'reportingController'), ...validateSeries(event)];
  if (!event.eventTime) errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`));
  }
  const { firstTimestamp, lastTimestamp, count, source } = event;
  const old = { firstTimestamp, lastTimestamp, count, source: source?.component || source?.host };
  for (const [field, value] of Object.entries(old)) {
    if (value) errors.push(invalid(field, '', 'needs to be unset'));
  }
  return errors;
}

function validateSeries({ series }: Event): FieldError[] {
  if (!series) return [];
  const errors = (series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : [];
  return series.lastObservedTime ? errors : [...errors, required('series.lastObservedTime')];
}

const settled = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  // Upstream looks at the reason twice.
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
] as const;

/** Only the series of an event of events.k8s.io/v1 may go on. */
export function validateStrictEventUpdate(event: Event, old: Event): FieldError[] {
  const changed = JSON.stringify(event.series) !== JSON.stringify(old.series);
  return [
    ...validateAnyEvent(event, 'reportingController'),
    ...(changed ? validateSeries(event) : []),
    ...settled.flatMap((field) => immutable(field, event[field], old[field])),
    ...immutable('reportingController', event.reportingComponent, old.reportingComponent),
    ...immutable('reportingInstance', event.reportingInstance, old.reportingInstance),
  ];
}
