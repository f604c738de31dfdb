// What each kind adds to the generic definition: one line per kind, its folder says the rest.
import type { KubeObject } from '../apimachinery/object.ts';
import { daemonSet } from './apps/v1/daemonset/index.ts';
import { deployment } from './apps/v1/deployment/index.ts';
import { replicaSet } from './apps/v1/replicaset/index.ts';
import { statefulSet } from './apps/v1/statefulset/index.ts';
import { cronJob } from './batch/v1/cronjob/index.ts';
import { job } from './batch/v1/job/index.ts';
import { pod } from './core/v1/pod/index.ts';
import { service } from './core/v1/service/index.ts';
import { anyKind, type Kind } from './define.ts';

/** By resource, qualified by its group outside the core group. */
export const kinds: Readonly<Record<string, Kind<KubeObject>>> = {
  pods: anyKind(pod),
  services: anyKind(service),
  'daemonsets.apps': anyKind(daemonSet),
  'deployments.apps': anyKind(deployment),
  'replicasets.apps': anyKind(replicaSet),
  'statefulsets.apps': anyKind(statefulSet),
  'cronjobs.batch': anyKind(cronJob),
  'jobs.batch': anyKind(job),
};
