// All controllers by their upstream names, and how a list of names picks among them.
import { table } from '../apimachinery/table.ts';
import type { Client, Informers } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import { bootstrapSigner, tokenCleaner } from './bootstrap/controller.ts';
import { csrApprovingController, csrCleanerController, csrSigningController } from './certificates/controller.ts';
import { clusterDNSController } from './clusterdns/controller.ts';
import { clusterRoleAggregationController } from './clusterroleaggregation/controller.ts';
import type { ControllersConfig } from './config.ts';
import type { ControllerContext, ControllerFactory, ControllerMetrics } from './controller.ts';
import { cronJobController } from './cronjob/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { endpointSliceMirroringController } from './endpointslicemirroring/controller.ts';
import { ephemeralVolumeController } from './ephemeralvolume/controller.ts';
import { garbageCollector } from './garbagecollector/controller.ts';
import { jobController } from './job/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeIPAMController } from './nodeipam/controller.ts';
import { nodeLifecycleController } from './nodelifecycle/controller.ts';
import { horizontalPodAutoscalerController } from './podautoscaler/controller.ts';
import { podGarbageCollector } from './podgc/controller.ts';
import { replicaSetController, replicationControllerController } from './replicaset/controller.ts';
import { resourceQuotaController } from './resourcequota/controller.ts';
import { rootCAPublisher } from './rootca/controller.ts';
import { serviceLBController } from './service/controller.ts';
import { serviceAccountController } from './serviceaccount/controller.ts';
import { serviceAccountTokenController } from './serviceaccounttoken/controller.ts';
import { serviceCIDRController } from './servicecidr/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';
import { taintEvictionController } from './tainteviction/controller.ts';
import { ttlController } from './ttl/controller.ts';
import { ttlAfterFinishedController } from './ttlafterfinished/controller.ts';
import { volumeBinderController } from './volumebinder/controller.ts';
import { claimProtectionController, volumeProtectionController } from './volumeprotection/controller.ts';
import { localPathProvisioner } from './volumeprovisioner/controller.ts';

/** kube-controller-manager's names; those that it does not have are Portico's own. */
export const controllers = table<ControllerFactory>({
  'bootstrap-signer-controller': bootstrapSigner,
  'certificatesigningrequest-approving-controller': csrApprovingController,
  'certificatesigningrequest-cleaner-controller': csrCleanerController,
  'certificatesigningrequest-signing-controller': csrSigningController,
  'cluster-dns-controller': clusterDNSController,
  'clusterrole-aggregation-controller': clusterRoleAggregationController,
  'cronjob-controller': cronJobController,
  'daemonset-controller': daemonSetController,
  'deployment-controller': deploymentController,
  'disruption-controller': disruptionController,
  'endpoints-controller': endpointsController,
  'endpointslice-controller': endpointSliceController,
  'endpointslice-mirroring-controller': endpointSliceMirroringController,
  'ephemeral-volume-controller': ephemeralVolumeController,
  'garbage-collector-controller': garbageCollector,
  'horizontal-pod-autoscaler-controller': horizontalPodAutoscalerController,
  'job-controller': jobController,
  'local-path-provisioner-controller': localPathProvisioner,
  'namespace-controller': namespaceController,
  'node-ipam-controller': nodeIPAMController,
  'node-lifecycle-controller': nodeLifecycleController,
  'persistentvolume-binder-controller': volumeBinderController,
  'persistentvolume-protection-controller': volumeProtectionController,
  'persistentvolumeclaim-protection-controller': claimProtectionController,
  'pod-garbage-collector-controller': podGarbageCollector,
  'replicaset-controller': replicaSetController,
  'replicationcontroller-controller': replicationControllerController,
  'resourcequota-controller': resourceQuotaController,
  'root-ca-certificate-publisher-controller': rootCAPublisher,
  'service-cidr-controller': serviceCIDRController,
  'service-lb-controller': serviceLBController,
  'serviceaccount-controller': serviceAccountController,
  'serviceaccount-token-controller': serviceAccountTokenController,
  'statefulset-controller': statefulSetController,
  'taint-eviction-controller': taintEvictionController,
  'token-cleaner-controller': tokenCleaner,
  'ttl-after-finished-controller': ttlAfterFinishedController,
  'ttl-controller': ttlController,
});

/** A name in `--controllers` that is none; the message names those that there are. */
export class UnknownControllerError extends Error {
  override readonly name = 'UnknownControllerError';
}

/**
 * Reads `--controllers` as kube-controller-manager does: `*` is all, `name` switches one on, `-name` off; the last word
 * about a name counts. Throws an UnknownControllerError.
 */
export function selectControllers(list: readonly string[]): string[] {
  const names = Object.keys(controllers);
  for (const item of list) {
    const name = item.replace(/^-/, '');
    if (name !== '*' && !names.includes(name)) {
      throw new UnknownControllerError(`"${name}" is no controller; there are ${names.join(', ')}`);
    }
  }
  return names.filter((name) => {
    if (list.includes(`-${name}`)) return false;
    return list.includes(name) || list.includes('*');
  });
}

export interface RunControllersOptions {
  readonly client: Client;
  /** Run by the caller, who may share them with others. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ControllersConfig;
  /** From {@link selectControllers}. */
  readonly names: readonly string[];
  readonly signal: AbortSignal;
  readonly metrics?: ControllerMetrics;
  /** Told of failures that are retried. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** Runs until the signal aborts. */
export async function runControllers(options: RunControllersOptions): Promise<void> {
  const { names, signal, ...rest } = options;
  const context: ControllerContext = rest;
  const running = names.map((name) => {
    const factory = controllers[name];
    if (!factory) throw new UnknownControllerError(`"${name}" is no controller`);
    return factory(context).run(signal);
  });
  await Promise.all(running);
}
