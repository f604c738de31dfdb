// Resources with the type of their objects, so that `client.resource(pods)` gives Pods.
import type { CustomResourceDefinition } from '../api/apiextensions/v1/types.generated.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '../api/apps/v1/types.generated.ts';
import type { HorizontalPodAutoscaler } from '../api/autoscaling/v2/types.generated.ts';
import type { CronJob, Job } from '../api/batch/v1/types.generated.ts';
import type { Lease } from '../api/coordination/v1/types.generated.ts';
import type {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { Ingress, NetworkPolicy } from '../api/networking/v1/types.generated.ts';
import type { PodDisruptionBudget } from '../api/policy/v1/types.generated.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../api/rbac/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import * as plain from '../client/resources.ts';
import type { Client, ResourceClient } from '../client/types.ts';

/** A resource of the API whose objects are `T`. */
export interface ResourceOf<T extends KubeObject> extends GroupVersionResource {
  /** There for the type alone; no object has it. */
  readonly '~object'?: T;
}

/** {@link Client}, with the type of objects taken from the resource. */
export interface TypedClient extends Client {
  resource<T extends KubeObject>(resource: ResourceOf<T>): ResourceClient<T>;
}

/** For resources that are not named here, such as custom ones: `resourceOf<Widget>('example.com', 'v1', 'widgets')`. */
export function resourceOf<T extends KubeObject>(group: string, version: string, resource: string): ResourceOf<T> {
  return { group, version, resource };
}

export const configMaps: ResourceOf<ConfigMap> = plain.configMaps;
export const endpoints: ResourceOf<Endpoints> = plain.endpoints;
export const events: ResourceOf<Event> = plain.events;
export const namespaces: ResourceOf<Namespace> = plain.namespaces;
export const nodes: ResourceOf<Node> = plain.nodes;
export const persistentVolumeClaims: ResourceOf<PersistentVolumeClaim> = plain.persistentVolumeClaims;
export const persistentVolumes: ResourceOf<PersistentVolume> = plain.persistentVolumes;
export const pods: ResourceOf<Pod> = plain.pods;
export const replicationControllers: ResourceOf<ReplicationController> = plain.replicationControllers;
export const resourceQuotas: ResourceOf<ResourceQuota> = plain.resourceQuotas;
export const secrets: ResourceOf<Secret> = plain.secrets;
export const serviceAccounts: ResourceOf<ServiceAccount> = plain.serviceAccounts;
export const services: ResourceOf<Service> = plain.services;

export const controllerRevisions: ResourceOf<ControllerRevision> = plain.controllerRevisions;
export const daemonSets: ResourceOf<DaemonSet> = plain.daemonSets;
export const deployments: ResourceOf<Deployment> = plain.deployments;
export const replicaSets: ResourceOf<ReplicaSet> = plain.replicaSets;
export const statefulSets: ResourceOf<StatefulSet> = plain.statefulSets;

export const cronJobs: ResourceOf<CronJob> = plain.cronJobs;
export const jobs: ResourceOf<Job> = plain.jobs;

export const customResourceDefinitions = resourceOf<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
);
export const endpointSlices: ResourceOf<EndpointSlice> = plain.endpointSlices;
export const horizontalPodAutoscalers = resourceOf<HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
);
export const ingresses: ResourceOf<Ingress> = plain.ingresses;
export const leases: ResourceOf<Lease> = plain.leases;
export const networkPolicies: ResourceOf<NetworkPolicy> = plain.networkPolicies;
export const podDisruptionBudgets: ResourceOf<PodDisruptionBudget> = plain.podDisruptionBudgets;
export const clusterRoleBindings: ResourceOf<ClusterRoleBinding> = plain.clusterRoleBindings;
export const clusterRoles: ResourceOf<ClusterRole> = plain.clusterRoles;
export const roleBindings: ResourceOf<RoleBinding> = plain.roleBindings;
export const roles: ResourceOf<Role> = plain.roles;

export type {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Role,
  RoleBinding,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
};
