// Nothing is made in a namespace that is not there or on its way out, and the system's own namespaces stay.

import type { Namespace } from '../../api/core/v1/types.generated.ts';
import { forbidden, notFound, StatusError } from '../../apimachinery/status.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';
import { refusalOf } from './refusal.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

export function namespaceLifecycle(request: AdmissionRequest, view: AdmissionView): void {
  const { definition, operation, name, namespace, subresource } = request;
  const isNamespace = definition.group === '' && definition.resource === 'namespaces';
  if (isNamespace && operation === 'DELETE' && immortal.has(name)) {
    throw forbidden(definition, name, 'this namespace may not be deleted');
  }
  if (isNamespace || namespace === '' || operation === 'DELETE' || operation === 'CONNECT') return;
  // Asking whether something is allowed needs no namespace.
  if (definition.group === 'authorization.k8s.io') return;
  const found = view.find<Namespace>('namespaces', { name: namespace });
  if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (operation !== 'CREATE' || subresource !== '') return;
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = refusalOf(request, why);
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}
