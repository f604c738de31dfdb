// What an endpoint lets a client own: not what it resets to what it was (upstream the strategies' GetResetFields).
import type { ResourceDefinition } from '../../api/resource.ts';
import {
  anyElement,
  type FieldPath,
  matching,
  recursiveDifference,
  setOf,
} from '../../apimachinery/managedfields/field-set.ts';
import type { OwnFields } from '../../apimachinery/managedfields/versions.ts';
import { table } from '../../apimachinery/table.ts';

function allBut(...paths: FieldPath[]): OwnFields {
  const reset = setOf(paths);
  return (set) => recursiveDifference(set, reset);
}

function only(...patterns: FieldPath[]): OwnFields {
  return (set) => matching(set, patterns);
}

const allButStatus = allBut(['f:status']);
const allButSpec = allBut(['f:spec']);
const allButSpecAndMetadata = allBut(['f:spec'], ['f:metadata']);

/** Endpoints with another rule than `status` for the object and `spec` for its status. */
const others = table<OwnFields>({
  'deployments.apps/status': allBut(['f:spec'], ['f:metadata', 'f:labels']),
  'pods/status': allBut(['f:spec'], ['f:metadata', 'f:deletionTimestamp'], ['f:metadata', 'f:ownerReferences']),
  'pods/ephemeralcontainers': only(['f:spec', 'f:ephemeralContainers']),
  'pods/resize': only(
    ['f:spec', 'f:containers', anyElement, 'f:resources'],
    ['f:spec', 'f:containers', anyElement, 'f:resizePolicy'],
    ['f:spec', 'f:initContainers', anyElement, 'f:resources'],
    ['f:spec', 'f:initContainers', anyElement, 'f:resizePolicy'],
  ),
  'namespaces/finalize': allButStatus,
  'certificatesigningrequests.certificates.k8s.io/status': allBut(['f:spec'], ['f:status', 'f:conditions']),
  'certificatesigningrequests.certificates.k8s.io/approval': allBut(['f:spec'], ['f:status', 'f:certificate']),
  'volumeattachments.storage.k8s.io/status': allButSpecAndMetadata,
  'flowschemas.flowcontrol.apiserver.k8s.io/status': allButSpecAndMetadata,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/status': allButSpecAndMetadata,
  'apiservices.apiregistration.k8s.io/status': allButSpecAndMetadata,
});

/** Undefined: all of it. */
export function ownFieldsOf(definition: ResourceDefinition, subresource: string): OwnFields | undefined {
  const { group, resource } = definition;
  if (subresource !== '') {
    const own = others[`${resource}${group && `.${group}`}/${subresource}`];
    if (own !== undefined || subresource !== 'status') return own;
    return definition.inVersion ? allButSpecAndMetadata : allButSpec;
  }
  return definition.subresources.some((one) => one.resource === `${resource}/status`) ? allButStatus : undefined;
}
