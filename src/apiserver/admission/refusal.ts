// What a plugin refuses a request with.
import { forbidden, type StatusError } from '../../apimachinery/status.ts';
import type { AdmissionRequest } from './admission.ts';

/** 403, with the name that was asked for, or with what it would begin with (upstream's admission.NewForbidden). */
export function refusalOf({ definition, name, object, isCollection }: AdmissionRequest, why: string): StatusError {
  const { name: given, generateName } = object?.metadata ?? {};
  return forbidden(definition, (isCollection ? '' : name) || given || generateName || 'Unknown', why);
}
