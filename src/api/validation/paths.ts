// Paths inside of volumes: what a container or a file of a volume is told may not lead out of it.
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';

const { invalid } = fieldError;

/** No element of the path is `..`. */
export function validateNoBacksteps(field: string, path: string): FieldError[] {
  return path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : [];
}

/** Relative, and without `..`. */
export function validateDescendingPath(field: string, path: string): FieldError[] {
  const absolute = path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : [];
  return [...absolute, ...validateNoBacksteps(field, path)];
}

/** As {@link validateDescendingPath}; names that start with `..` are the kubelet's own. */
export function validateLocalPath(field: string, path: string): FieldError[] {
  const reserved = path.startsWith('..') && !path.startsWith('../');
  // `..` alone is named once, as the element that it is.
  const errors = validateDescendingPath(field, path);
  return reserved ? [...errors, invalid(field, path, "must not start with '..'")] : errors;
}

/** Permission bits of a file, 0 to 0777. */
export function validateFileMode(field: string, mode: number | undefined): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}
