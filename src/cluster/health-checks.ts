// What /healthz, /livez and /readyz ask, under kube-apiserver's names where there is the same thing to ask.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { HealthCheck } from '../apiserver/health.ts';
import type { WatchCache } from '../apiserver/watch-cache/watch-cache.ts';
import { CollectedFamily, type Family } from '../metrics/metric.ts';
import type { Storage } from '../storage/storage.ts';
import { realClock } from '../system/real/clock.ts';

export interface HealthOptions {
  readonly storage: Pick<Storage, 'currentRevision'>;
  readonly cache: Pick<WatchCache, 'revision'>;
  /** The process was asked to end: nobody should send it more. */
  readonly isEnding: () => boolean;
  /** Of key management services, where storage needs any. */
  readonly kms?: readonly HealthCheck[] | undefined;
}

/** Milliseconds that storage may take to answer (kube-apiserver's --etcd-healthcheck-timeout). */
const patience = 2000;

/** Nobody is answered before these are done. Tools look for upstream's names, so each step has the one that it has there. */
const started = [
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-service-ip-repair-controllers',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
];

export function healthChecks({ storage, cache, isEnding, kms = [] }: HealthOptions): HealthCheck[] {
  const isWell = () => undefined;
  const stored = async () => {
    const late = Promise.withResolvers<string>();
    const timer = realClock.after(patience, () =>
      late.resolve('error getting data from etcd: context deadline exceeded'),
    );
    try {
      const answered = Promise.resolve(storage.currentRevision()).then(isWell, errorMessage);
      return await Promise.race([answered, late.promise]);
    } finally {
      timer.cancel();
    }
  };
  return [
    { name: 'ping', check: isWell },
    { name: 'log', check: isWell },
    { name: 'etcd', check: stored },
    { name: 'etcd-readiness', check: stored, readyOnly: true },
    ...kms,
    { name: 'informer-sync', check: () => (cache.revision > 0 ? undefined : 'not loaded'), readyOnly: true },
    ...started.map((name) => ({ name, check: isWell })),
    { name: 'shutdown', check: () => (isEnding() ? 'process is shutting down' : undefined), readyOnly: true },
  ];
}

/** What `kubectl get cs` tells of: controllers and scheduler are parts of this process, and fare as it does. */
export function components(checks: readonly HealthCheck[]): HealthCheck[] {
  const stored = checks.filter(({ name }) => name === 'etcd').map(({ check }) => ({ name: 'etcd-0', check }));
  const isWell = () => undefined;
  return [{ name: 'controller-manager', check: isWell }, ...stored, { name: 'scheduler', check: isWell }];
}

/** The size of the embedded store's files, for /metrics. */
export function storageSize(dataDir: string | undefined): Family[] {
  if (dataDir === undefined) return [];
  const sizeOf = (name: string) => statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0;
  const name = 'apiserver_storage_size_bytes';
  const help = 'Size of the storage database file physically allocated in bytes.';
  const labels = ['storage_cluster_id'];
  return [
    new CollectedFamily({ name, help, labels, type: 'gauge' }, () => [
      [['etcd-0'], sizeOf('state.db') + sizeOf('state.db-wal')],
    ]),
  ];
}
