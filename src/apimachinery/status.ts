// Status errors (meta.k8s.io/v1 Status): how the API says no. Wording and codes are kube-apiserver's.
import { aggregate } from './aggregate.ts';
import { quoted } from './json/go-text.ts';
import type { Status, StatusCause } from './meta/v1.generated.ts';
import { type GroupResource, printResource } from './object.ts';
import { type FieldError, fieldErrorBody, fieldErrorMessage } from './validation/field-error.ts';

/** A refusal of the API server, on either side of the wire. */
export class StatusError extends Error {
  readonly status: Status & { code: number };
  /** Headers that go with the answer, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: Status & { code: number }, headers: Readonly<Record<string, string>> = {}) {
    super(status.message ?? status.reason ?? `status ${status.code}`);
    this.name = 'StatusError';
    this.status = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', ...status };
    this.headers = headers;
  }
}

function details(resource: GroupResource, name: string): Status['details'] {
  return { ...(name && { name }), ...(resource.group && { group: resource.group }), kind: resource.resource };
}

export function notFound(resource: GroupResource, name: string): StatusError {
  const message = `${printResource(resource)} ${quoted(name)} not found`;
  return new StatusError({ code: 404, reason: 'NotFound', message, details: details(resource, name) });
}

/** `isDeleting`: what is there is on its way out. */
export function alreadyExists(resource: GroupResource, name: string, { isDeleting = false } = {}): StatusError {
  const message = `${isDeleting ? 'object is being deleted: ' : ''}${printResource(resource)} ${quoted(name)} already exists`;
  return new StatusError({ code: 409, reason: 'AlreadyExists', message, details: details(resource, name) });
}

export function conflict(resource: GroupResource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${printResource(resource)} ${quoted(name)}: ${why}`;
  return new StatusError({ code: 409, reason: 'Conflict', message, details: details(resource, name) });
}

/** 422 with one cause per error. `kind` is qualified by its group outside core: `Deployment.apps`. */
export function invalid(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const causes: StatusCause[] = errors.map((e) => ({ reason: e.type, message: fieldErrorBody(e), field: e.field }));
  const qualifiedKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${qualifiedKind} ${quoted(name)} is invalid: ${aggregate(errors.map(fieldErrorMessage))}`,
    details: {
      ...(name && { name }),
      ...(kind.group && { group: kind.group }),
      ...(kind.kind && { kind: kind.kind }),
      causes,
    },
  });
}

/** 405 for a verb that a resource has not. */
export function methodNotSupported(resource: GroupResource, verb: string): StatusError {
  const message = `${verb} is not supported on resources of kind ${JSON.stringify(printResource(resource))}`;
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message, details: details(resource, '') });
}

export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function forbidden(resource: GroupResource, name: string, why: string): StatusError {
  const message = `${printResource(resource)}${name ? ` ${quoted(name)}` : ''} is forbidden: ${why}`;
  return new StatusError({ code: 403, reason: 'Forbidden', message, details: details(resource, name) });
}

export function internalError(why: string): StatusError {
  return new StatusError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${why}`,
    details: { causes: [{ message: why }] },
  });
}

/** 410: the list or watch position was compacted away; the client lists again. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

function hasReason(error: unknown, reason: string): boolean {
  return error instanceof StatusError && error.status.reason === reason;
}

export const isNotFound = (error: unknown): error is StatusError => hasReason(error, 'NotFound');
/** For `.catch`: what is gone already need not be deleted, nor told of; what is asked for is undefined then. */
export function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

export const isAlreadyExists = (error: unknown): error is StatusError => hasReason(error, 'AlreadyExists');
export const isConflict = (error: unknown): error is StatusError => hasReason(error, 'Conflict');
export const isUnauthorized = (error: unknown): error is StatusError => hasReason(error, 'Unauthorized');
export const isExpired = (error: unknown): error is StatusError =>
  hasReason(error, 'Expired') || hasReason(error, 'Gone');
