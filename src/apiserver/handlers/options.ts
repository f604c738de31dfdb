// Query parameters that verbs share, checked as kube-apiserver checks them.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isOn } from '../../apimachinery/query.ts';
import {
  checkSelectableFields,
  type FieldSelector,
  matchesFields,
  parseFieldSelector,
  requiredValue,
} from '../../apimachinery/selectors/field-selector.ts';
import { type LabelSelector, matchesLabels, parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { badRequest, invalid } from '../../apimachinery/status.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { fieldManagerErrors } from '../../apimachinery/validation/field-manager.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface WriteQuery {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Empty when the client names none. */
  readonly fieldManager: string;
  /** Of an apply patch; undefined when the client does not say. */
  readonly force: boolean | undefined;
}

const noWriteQuery: WriteQuery = { dryRun: false, fieldValidation: 'Warn', fieldManager: '', force: undefined };

const validations = ['', 'Ignore', 'Strict', 'Warn'];

/**
 * `kind` is that of the options, for errors: CreateOptions, UpdateOptions, PatchOptions. Throws 422 for values that there are
 * not, or that do not belong to the type of patch.
 */
export function writeQuery(query: URLSearchParams, kind: string, patch?: { readonly isApply: boolean }): WriteQuery {
  if (query.size === 0 && !patch?.isApply) return noWriteQuery;
  const fieldManager = query.get('fieldManager') ?? '';
  const force = query.has('force') ? isOn(query.get('force')) : undefined;
  const errors: FieldError[] = [];
  if (patch?.isApply && fieldManager === '') {
    errors.push(fieldError.required('fieldManager', 'is required for apply patch'));
  }
  if (patch && !patch.isApply && force !== undefined) {
    errors.push(fieldError.forbidden('force', 'may not be specified for non-apply patch'));
  }
  errors.push(...fieldManagerErrors(fieldManager, 'fieldManager'));
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All')) errors.push(fieldError.notSupported('dryRun', dryRun, ['All']));
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!validations.includes(fieldValidation)) {
    errors.push(fieldError.notSupported('fieldValidation', fieldValidation, validations));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    fieldManager,
    force,
  };
}

export interface ListQuery {
  readonly labels: LabelSelector;
  readonly fields: FieldSelector;
  readonly limit: number;
  readonly continueToken: string;
  /** As the client gave it. */
  readonly resourceVersion: string;
  readonly match: '' | 'Exact' | 'NotOlderThan';
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

const empty: ListQuery = {
  labels: [],
  fields: [],
  limit: 0,
  continueToken: '',
  resourceVersion: '',
  match: '',
  timeoutSeconds: undefined,
  allowWatchBookmarks: false,
  sendInitialEvents: undefined,
};

/** A parameter of 64 bits; throws 400 for what is none. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^[+-]?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = BigInt(text);
  if (value !== BigInt.asIntN(64, value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return Number(value);
}

/** A resourceVersion as a number, not to the last digit where it is beyond all that there will be; or why it is none. */
function parseRevision(resourceVersion: string): number | string {
  const isNumber = /^\d+$/.test(resourceVersion);
  if (isNumber && BigInt(resourceVersion) < 2n ** 64n) return Number(resourceVersion);
  const quoted = JSON.stringify(resourceVersion);
  const why = isNumber ? 'value out of range' : 'invalid syntax';
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`;
}

/** The resourceVersion of a GET or a watch. What is none is 400; upstream's 500 blames itself for it. */
export function revisionOf(resourceVersion: string): number {
  const revision = parseRevision(resourceVersion);
  if (typeof revision === 'number') return revision;
  throw badRequest(revision);
}

/** The resourceVersion of a list; throws 400 for what is none. */
export function listRevisionOf(resourceVersion: string): number {
  const revision = parseRevision(resourceVersion);
  if (typeof revision === 'number') return revision;
  throw badRequest(`invalid resource version: ${revision}`);
}

export function listQuery(query: URLSearchParams, definition: ResourceDefinition, isWatch: boolean): ListQuery {
  if (query.size === 0) return empty;
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (fields.length > 0) {
    const { namespaced, schema, unselectable: refusal } = definition;
    const known = Object.keys(definition.selectableFields);
    checkSelectableFields(fields, { known, namespaced, isCustom: schema !== undefined, refusal });
  }
  const given: ListQuery = {
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    fields,
    limit: Math.max(0, integer(query, 'limit') ?? 0),
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    match: (query.get('resourceVersionMatch') ?? '') as ListQuery['match'],
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    allowWatchBookmarks: isOn(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isOn(query.get('sendInitialEvents')) : undefined,
  };
  const parsed = isWatch && isOn(query.get('watch')) ? withInitialEvents(given) : given;
  const errors = isWatch ? watchErrors(parsed) : listErrors(parsed);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return parsed;
}

/** A watch from nowhere, or from any state, begins with what there is (upstream SetListOptionsDefaults). */
function withInitialEvents(query: ListQuery): ListQuery {
  const { sendInitialEvents, match, resourceVersion } = query;
  const isFromAny = resourceVersion === '' || resourceVersion === '0';
  if (sendInitialEvents !== undefined || match !== '' || !isFromAny) return query;
  return { ...query, sendInitialEvents: true, match: 'NotOlderThan' };
}

function listErrors({ match, resourceVersion, continueToken, sendInitialEvents }: ListQuery): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (detail: string) => errors.push(fieldError.forbidden('resourceVersionMatch', detail));
  if (match) {
    if (!resourceVersion) forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (continueToken) forbid('resourceVersionMatch is forbidden when continue is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    }
    if (match === 'Exact' && resourceVersion === '0') {
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (sendInitialEvents !== undefined) {
    errors.push(fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors({ match, continueToken, sendInitialEvents }: ListQuery): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (detail: string) => errors.push(fieldError.forbidden('resourceVersionMatch', detail));
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (match) {
    if (sendInitialEvents === undefined) {
      forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    }
    if (match !== 'NotOlderThan') {
      errors.push(fieldError.notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    }
    if (continueToken) forbid('resourceVersionMatch is forbidden when continue is provided');
  }
  return errors;
}

/** Whether an object is selected; undefined when everything is. */
export function selectorOf(
  { labels, fields }: Pick<ListQuery, 'labels' | 'fields'>,
  definition: ResourceDefinition,
): ((object: Readonly<KubeObject>) => boolean) | undefined {
  if (labels.length === 0 && fields.length === 0) return undefined;
  return (object) => {
    if (!matchesLabels(labels, object.metadata.labels)) return false;
    return matchesFields(fields, (field) => {
      if (field === 'metadata.name') return object.metadata.name;
      if (field === 'metadata.namespace') return object.metadata.namespace;
      return definition.selectableFields[field]?.(object as KubeObject);
    });
  };
}

/** The one name that a field selector allows, if it names one. */
export function selectedName({ fields }: Pick<ListQuery, 'fields'>): string | undefined {
  return requiredValue(fields, 'metadata.name');
}
