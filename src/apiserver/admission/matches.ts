import { printResource } from '../../apimachinery/object.ts';
import type { AdmissionOperation, AdmissionRequest } from './admission.ts';

/** Whether a request is one of the operations on a resource itself: `is(request, 'ingresses.networking.k8s.io', 'CREATE')`. */
export function is(
  { definition, operation, subresource, object }: AdmissionRequest,
  qualifiedResource: string,
  ...operations: readonly AdmissionOperation[]
): boolean {
  if (subresource !== '' || !object || !operations.includes(operation)) return false;
  return qualifiedResource === printResource(definition);
}
