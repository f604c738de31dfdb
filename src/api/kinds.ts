// What each kind adds to the generic definition: one line per kind, its folder says the rest.

import type { KubeObject } from '../apimachinery/object.ts';
import { table } from '../apimachinery/table.ts';
import {
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
} from './admissionregistration/v1/policy/index.ts';
import {
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
} from './admissionregistration/v1/webhookconfiguration/index.ts';
import { customResourceDefinition } from './apiextensions/v1/custom-resource-definition/index.ts';
import { apiService } from './apiregistration/v1/apiservice/index.ts';
import { controllerRevision } from './apps/v1/controllerrevision/index.ts';
import { daemonSet } from './apps/v1/daemonset/index.ts';
import { deployment } from './apps/v1/deployment/index.ts';
import { replicaSet } from './apps/v1/replicaset/index.ts';
import { statefulSet } from './apps/v1/statefulset/index.ts';
import { horizontalPodAutoscalerV1 } from './autoscaling/v1/horizontalpodautoscaler/index.ts';
import { horizontalPodAutoscaler } from './autoscaling/v2/horizontalpodautoscaler/index.ts';
import { cronJob } from './batch/v1/cronjob/index.ts';
import { job } from './batch/v1/job/index.ts';
import { certificateSigningRequest } from './certificates/v1/certificatesigningrequest/index.ts';
import { lease } from './coordination/v1/lease/index.ts';
import { componentStatus } from './core/v1/componentstatus/index.ts';
import { configMap } from './core/v1/configmap/index.ts';
import { endpoints } from './core/v1/endpoints/index.ts';
import { event } from './core/v1/event/index.ts';
import { limitRange } from './core/v1/limitrange/index.ts';
import { namespace } from './core/v1/namespace/index.ts';
import { node } from './core/v1/node/index.ts';
import { persistentVolume } from './core/v1/persistentvolume/index.ts';
import { persistentVolumeClaim } from './core/v1/persistentvolumeclaim/index.ts';
import { pod } from './core/v1/pod/index.ts';
import { podTemplate } from './core/v1/podtemplate/index.ts';
import { replicationController } from './core/v1/replicationcontroller/index.ts';
import { resourceQuota } from './core/v1/resourcequota/index.ts';
import { secret } from './core/v1/secret/index.ts';
import { service } from './core/v1/service/index.ts';
import { serviceAccount } from './core/v1/serviceaccount/index.ts';
import { anyKind, type Kind } from './define.ts';
import { endpointSlice } from './discovery/v1/endpointslice/index.ts';
import { eventsEvent } from './events/v1/event/index.ts';
import { flowSchema } from './flowcontrol/v1/flowschema.ts';
import { priorityLevelConfiguration } from './flowcontrol/v1/prioritylevelconfiguration.ts';
import { ingress } from './networking/v1/ingress/index.ts';
import { ingressClass } from './networking/v1/ingressclass/index.ts';
import { ipAddress } from './networking/v1/ipaddress/index.ts';
import { networkPolicy } from './networking/v1/networkpolicy/index.ts';
import { serviceCIDR } from './networking/v1/servicecidr/index.ts';
import { runtimeClass } from './node/v1/runtimeclass/index.ts';
import { podDisruptionBudget } from './policy/v1/poddisruptionbudget/index.ts';
import { clusterRoleBinding, roleBinding } from './rbac/v1/binding/index.ts';
import { clusterRole, role } from './rbac/v1/role/index.ts';
import { deviceClass, resourceClaim, resourceClaimTemplate, resourceSlice } from './resource/v1/index.ts';
import { priorityClass } from './scheduling/v1/priorityclass/index.ts';
import { csiDriver } from './storage/v1/csidriver.ts';
import { csiNode } from './storage/v1/csinode.ts';
import { csiStorageCapacity } from './storage/v1/csistoragecapacity.ts';
import { storageClass } from './storage/v1/storageclass.ts';
import { volumeAttachment } from './storage/v1/volumeattachment.ts';
import { volumeAttributesClass } from './storage/v1/volumeattributesclass.ts';

/** By resource, qualified by its group outside the core group (and by its version where a group serves two). */
export const kinds = table<Kind<KubeObject>>({
  componentstatuses: anyKind(componentStatus),
  configmaps: anyKind(configMap),
  endpoints: anyKind(endpoints),
  events: anyKind(event),
  limitranges: anyKind(limitRange),
  namespaces: anyKind(namespace),
  nodes: anyKind(node),
  persistentvolumes: anyKind(persistentVolume),
  persistentvolumeclaims: anyKind(persistentVolumeClaim),
  pods: anyKind(pod),
  resourcequotas: anyKind(resourceQuota),
  podtemplates: anyKind(podTemplate),
  replicationcontrollers: anyKind(replicationController),
  secrets: anyKind(secret),
  serviceaccounts: anyKind(serviceAccount),
  services: anyKind(service),
  'apiservices.apiregistration.k8s.io': anyKind(apiService),
  'certificatesigningrequests.certificates.k8s.io': anyKind(certificateSigningRequest),
  'clusterrolebindings.rbac.authorization.k8s.io': anyKind(clusterRoleBinding),
  'clusterroles.rbac.authorization.k8s.io': anyKind(clusterRole),
  'controllerrevisions.apps': anyKind(controllerRevision),
  'cronjobs.batch': anyKind(cronJob),
  'customresourcedefinitions.apiextensions.k8s.io': anyKind(customResourceDefinition()),
  'csidrivers.storage.k8s.io': anyKind(csiDriver),
  'csinodes.storage.k8s.io': anyKind(csiNode),
  'csistoragecapacities.storage.k8s.io': anyKind(csiStorageCapacity),
  'storageclasses.storage.k8s.io': anyKind(storageClass),
  'volumeattachments.storage.k8s.io': anyKind(volumeAttachment),
  'volumeattributesclasses.storage.k8s.io': anyKind(volumeAttributesClass),
  'daemonsets.apps': anyKind(daemonSet),
  'deployments.apps': anyKind(deployment),
  'endpointslices.discovery.k8s.io': anyKind(endpointSlice),
  'events.events.k8s.io': anyKind(eventsEvent),
  'horizontalpodautoscalers.v1.autoscaling': anyKind(horizontalPodAutoscalerV1),
  'horizontalpodautoscalers.v2.autoscaling': anyKind(horizontalPodAutoscaler),
  'ingresses.networking.k8s.io': anyKind(ingress),
  'deviceclasses.resource.k8s.io': anyKind(deviceClass),
  'flowschemas.flowcontrol.apiserver.k8s.io': anyKind(flowSchema),
  'ingressclasses.networking.k8s.io': anyKind(ingressClass),
  'networkpolicies.networking.k8s.io': anyKind(networkPolicy),
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': anyKind(priorityLevelConfiguration),
  'resourceclaims.resource.k8s.io': anyKind(resourceClaim),
  'resourceclaimtemplates.resource.k8s.io': anyKind(resourceClaimTemplate),
  'resourceslices.resource.k8s.io': anyKind(resourceSlice),
  'ipaddresses.networking.k8s.io': anyKind(ipAddress),
  'jobs.batch': anyKind(job),
  'leases.coordination.k8s.io': anyKind(lease),
  'poddisruptionbudgets.policy': anyKind(podDisruptionBudget),
  'priorityclasses.scheduling.k8s.io': anyKind(priorityClass),
  'replicasets.apps': anyKind(replicaSet),
  'rolebindings.rbac.authorization.k8s.io': anyKind(roleBinding),
  'roles.rbac.authorization.k8s.io': anyKind(role),
  'runtimeclasses.node.k8s.io': anyKind(runtimeClass),
  'servicecidrs.networking.k8s.io': anyKind(serviceCIDR),
  'statefulsets.apps': anyKind(statefulSet),
  'mutatingadmissionpolicies.admissionregistration.k8s.io': anyKind(mutatingAdmissionPolicy),
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': anyKind(mutatingAdmissionPolicyBinding),
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': anyKind(mutatingWebhookConfiguration),
  'validatingadmissionpolicies.admissionregistration.k8s.io': anyKind(validatingAdmissionPolicy),
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': anyKind(validatingAdmissionPolicyBinding),
  'validatingwebhookconfigurations.admissionregistration.k8s.io': anyKind(validatingWebhookConfiguration),
});
