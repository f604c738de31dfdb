// The built-in resources that parts of Portico ask for, as the API names them: `client.resource<Pod>(pods)`.
import type { GroupVersionResource } from '../apimachinery/object.ts';

function core(resource: string): GroupVersionResource {
  return { group: '', version: 'v1', resource };
}

function of(group: string, resource: string): GroupVersionResource {
  return { group, version: 'v1', resource };
}

export const configMaps = core('configmaps');
export const endpoints = core('endpoints');
export const events = core('events');
export const namespaces = core('namespaces');
export const nodes = core('nodes');
export const persistentVolumeClaims = core('persistentvolumeclaims');
export const persistentVolumes = core('persistentvolumes');
export const pods = core('pods');
export const replicationControllers = core('replicationcontrollers');
export const resourceQuotas = core('resourcequotas');
export const secrets = core('secrets');
export const serviceAccounts = core('serviceaccounts');
export const services = core('services');

export const apiServices = of('apiregistration.k8s.io', 'apiservices');

export const controllerRevisions = of('apps', 'controllerrevisions');
export const daemonSets = of('apps', 'daemonsets');
export const deployments = of('apps', 'deployments');
export const replicaSets = of('apps', 'replicasets');
export const statefulSets = of('apps', 'statefulsets');

export const cronJobs = of('batch', 'cronjobs');
export const jobs = of('batch', 'jobs');

export const certificateSigningRequests = of('certificates.k8s.io', 'certificatesigningrequests');
export const leases = of('coordination.k8s.io', 'leases');
export const endpointSlices = of('discovery.k8s.io', 'endpointslices');
export const ipAddresses = of('networking.k8s.io', 'ipaddresses');
export const ingresses = of('networking.k8s.io', 'ingresses');
export const networkPolicies = of('networking.k8s.io', 'networkpolicies');
export const serviceCIDRs = of('networking.k8s.io', 'servicecidrs');
export const podDisruptionBudgets = of('policy', 'poddisruptionbudgets');
export const runtimeClasses = of('node.k8s.io', 'runtimeclasses');
export const clusterRoleBindings = of('rbac.authorization.k8s.io', 'clusterrolebindings');
export const clusterRoles = of('rbac.authorization.k8s.io', 'clusterroles');
export const roleBindings = of('rbac.authorization.k8s.io', 'rolebindings');
export const roles = of('rbac.authorization.k8s.io', 'roles');
export const priorityClasses = of('scheduling.k8s.io', 'priorityclasses');
export const csiNodes = of('storage.k8s.io', 'csinodes');
export const storageClasses = of('storage.k8s.io', 'storageclasses');
export const volumeAttachments = of('storage.k8s.io', 'volumeattachments');

/** `services`, or outside the core group `deployments.apps/v1`: the key of maps over resources. */
export function resourceKey({ group, version, resource }: GroupVersionResource): string {
  return group === '' ? resource : `${resource}.${group}/${version}`;
}
