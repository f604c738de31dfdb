// A request as webhooks and expressions are told of it (admission.k8s.io/v1 AdmissionRequest).
import type { GroupVersionKind, GroupVersionResource } from '../../apimachinery/object.ts';
import type { AdmissionRequest } from './admission.ts';

/** All but `uid`, `object` and `oldObject`. */
export function requestJson(request: AdmissionRequest): Record<string, unknown> {
  const { definition, subresource, kind, namespace, operation, user, dryRun, options } = request;
  const { group, version, resource } = definition;
  const gvk = kindJson(kind);
  const gvr = { group, version, resource };
  const asked = request.asRequested ?? request;
  // A namespace is in itself.
  const isNamespace = group === '' && resource === 'namespaces';
  // Of a collection that is deleted no name was asked for.
  const name = request.isCollection ? '' : request.name || (request.object?.metadata?.name ?? '');
  const place = isNamespace ? request.name || name : namespace;
  return {
    kind: gvk,
    resource: gvr,
    ...(subresource && { subResource: subresource }),
    requestKind: kindJson(asked.kind),
    requestResource: resourceJson(asked.definition),
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(place && { namespace: place }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid !== undefined && { uid: user.uid }),
      groups: user.groups,
      ...(user.extra && { extra: user.extra }),
    },
    dryRun,
    options: options ?? null,
  };
}

function resourceJson({ group, version, resource }: GroupVersionResource): GroupVersionResource {
  return { group, version, resource };
}

function kindJson({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, version, kind };
}
