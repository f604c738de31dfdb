// What a Pod, or a template of one, has that its author did not write.
import { setKey } from '../../../../apimachinery/json/value.ts';
import { canonicalQuantity, printQuantity, QuantityError } from '../../../../apimachinery/quantity.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { isHugePages } from '../../../validation/quantities.ts';
import type {
  AzureDiskVolumeSource,
  Container,
  ContainerPort,
  EnvVar,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  ISCSIVolumeSource,
  Lifecycle,
  Pod,
  PodSpec,
  Probe,
  RBDPersistentVolumeSource,
  RBDVolumeSource,
  ScaleIOPersistentVolumeSource,
  ScaleIOVolumeSource,
  Volume,
} from '../types.generated.ts';
import { imagePullPolicy } from './image-reference.ts';
import { podLimits, podRequests } from './resources.ts';

/** What {@link defaultPodSpec} does, and what only a Pod itself gets. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) requestWhatIsLimited(container);
  defaultPodResources(spec);
  spec.enableServiceLinks ??= true;
  defaultPodSpec(spec);
  if (!spec.hostNetwork) return;
  for (const port of [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ ports }) => ports ?? [])) {
    if (!port.hostPort) port.hostPort = port.containerPort;
  }
}

/** Where a Pod as a whole asks for something, what it leaves open follows from its containers (KEP-2837). */
function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec;
  if (!resources?.limits && !resources?.requests) return;
  const { resources: _own, overhead: _overhead, ...containersOnly } = spec;
  const sums = { requests: podRequests({ spec: containersOnly }), limits: podLimits({ spec: containersOnly }) };
  const fill = (list: 'requests' | 'limits', name: string, amount: string): void => {
    resources[list] ??= {};
    resources[list][name] ??= amount;
  };
  for (const [name, sum] of Object.entries(sums.limits)) {
    if (isHugePages(name) && resources.requests?.[name] === undefined) fill('limits', name, printQuantity(sum));
  }
  const hadLimits = resources.limits !== undefined;
  if (hadLimits) {
    for (const [name, sum] of Object.entries(sums.requests)) {
      if (name === 'cpu' || name === 'memory') fill('requests', name, printQuantity(sum));
    }
    for (const [name, limit] of Object.entries(resources.limits ?? {})) {
      if (name === 'cpu' || name === 'memory' || isHugePages(name)) fill('requests', name, limit);
    }
    return;
  }
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const [name, sum] of Object.entries(sums.limits)) {
    const all = containers.every((container) => ownValue(container.resources?.limits, name) !== undefined);
    if (all && (name === 'cpu' || name === 'memory')) fill('limits', name, printQuantity(sum));
  }
}

/** The defaults of a Pod template's spec. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  mirrorServiceAccount(spec);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  for (const container of containers) defaultContainer(container as Container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const toleration of spec.tolerations ?? []) if (toleration.effect === '') delete toleration.effect;
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) if (spec[field] === false) delete spec[field];
  for (const field of ['initContainers', 'volumes', 'tolerations', 'imagePullSecrets', 'hostAliases'] as const) {
    if (spec[field]?.length === 0) delete spec[field];
  }
  // Pods are not scheduled together: in 1.36 the gate GenericWorkload is off.
  delete spec.schedulingGroup;
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are shown, and the new one wins. */
export function mirrorServiceAccount(spec: PodSpec): void {
  spec.serviceAccountName ||= spec.serviceAccount;
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else {
    delete spec.serviceAccountName;
    delete spec.serviceAccount;
  }
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= imagePullPolicy(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const list of [container.resources.limits, container.resources.requests]) canonicalizeQuantities(list);
  dropZeroValues(container);
  for (const port of container.ports ?? []) defaultPort(port);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe);
  }
  if (container.lifecycle) defaultLifecycle(container.lifecycle);
  for (const variable of container.env ?? []) defaultVariable(variable);
}

/** False, an empty text or list is the same as none in these fields: otherwise a Pod read and written back would differ. */
function dropZeroValues(container: Container): void {
  for (const field of ['stdin', 'stdinOnce', 'tty'] as const) if (container[field] === false) delete container[field];
  for (const field of ['args', 'command', 'env', 'envFrom', 'ports', 'volumeMounts', 'volumeDevices'] as const) {
    if (container[field]?.length === 0) delete container[field];
  }
  if (container.workingDir === '') delete container.workingDir;
  for (const mount of container.volumeMounts ?? []) {
    if (mount.readOnly === false) delete mount.readOnly;
    if (mount.subPath === '') delete mount.subPath;
  }
  for (const variable of container.env ?? []) if (variable.value === '') delete variable.value;
}

function defaultPort(port: ContainerPort): void {
  port.protocol ||= 'TCP';
  if (port.hostPort === 0) delete port.hostPort;
  if (port.name === '') delete port.name;
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.initialDelaySeconds === 0) delete probe.initialDelaySeconds;
  if (probe.httpGet) {
    probe.httpGet.path ||= '/';
    probe.httpGet.scheme ||= 'HTTP';
  }
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultLifecycle({ postStart, preStop }: Lifecycle): void {
  for (const handler of [postStart, preStop]) {
    if (!handler?.httpGet) continue;
    handler.httpGet.path ||= '/';
    handler.httpGet.scheme ||= 'HTTP';
  }
}

function defaultVariable({ valueFrom }: EnvVar): void {
  if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
  if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
}

/** rw-r--r-- */
const fileMode = 0o644;

interface CommonSources {
  readonly hostPath?: HostPathVolumeSource;
  readonly iscsi?: ISCSIVolumeSource | ISCSIPersistentVolumeSource;
  readonly rbd?: RBDVolumeSource | RBDPersistentVolumeSource;
  readonly scaleIO?: ScaleIOVolumeSource | ScaleIOPersistentVolumeSource;
  readonly azureDisk?: AzureDiskVolumeSource;
}

function defaultVolume(volume: Volume): void {
  const { name: _name, ...source } = volume;
  if (Object.values(source).every((value) => value === undefined)) volume.emptyDir = {};
  if (volume.image) volume.image.pullPolicy ||= imagePullPolicy(volume.image.reference ?? '');
  defaultVolumeSource(volume);
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim?.spec) claim.spec.volumeMode ??= 'Filesystem';
  for (const files of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (files) files.defaultMode ??= fileMode;
  }
  const projected = volume.projected?.sources ?? [];
  for (const { serviceAccountToken } of projected) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
  }
  const items = [volume.downwardAPI, ...projected.map(({ downwardAPI }) => downwardAPI)].flatMap((d) => d?.items ?? []);
  for (const { fieldRef } of items) if (fieldRef) fieldRef.apiVersion ||= 'v1';
}

/** What volumes of Pods have in common with PersistentVolumes. */
export function defaultVolumeSource({ hostPath, iscsi, rbd, scaleIO, azureDisk }: CommonSources): void {
  if (hostPath) hostPath.type ??= '';
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.kind ??= 'Shared';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
}

/** A limit without a request is also the request. */
function requestWhatIsLimited({ resources }: Container): void {
  if (!resources?.limits) return;
  resources.requests ??= {};
  for (const [name, limit] of Object.entries(resources.limits))
    if (!Object.hasOwn(resources.requests, name)) setKey(resources.requests, name, limit);
}

/** Amounts are kept in their canonical text (`0.5` is `500m`); what is no amount is left for validation to name. */
export function canonicalizeQuantities(amounts: Record<string, string> | undefined): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    try {
      amounts![name] = canonicalQuantity(String(amount));
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
    }
  }
}
