// The runtime's view of a pod and of a container: CRI's messages from the API's objects, without any I/O.
import type { Container, Pod, SeccompProfile, VolumeMount } from '../../api/core/v1/types.generated.ts';
import {
  type ContainerConfig,
  type Device,
  type IDMapping,
  type LinuxContainerResources,
  type LinuxContainerSecurityContext,
  type Mount,
  mountPropagation,
  namespaceMode,
  profileType,
  protocols,
  type SandboxConfig,
  supplementalGroupsPolicy,
} from '../cri/messages.ts';
import type { DNSSettings } from './dns-settings.ts';
import { ConfigError, expand } from './env.ts';
import { annotations, identityOf, labels, logFolder, podLabels } from './identity.ts';
import { sandboxHostname } from './network-files.ts';
import { stopSignalNumber } from './stop-signals.ts';
import { dotted } from './sysctls.ts';

export interface SandboxInput {
  readonly attempt: number;
  readonly logRoot: string;
  readonly cgroupParent: string;
  readonly dns: DNSSettings;
  readonly domain: string;
  /** Of a pod with users of its own: who they are on the node. */
  readonly users?: IDMapping | undefined;
}

function namespaces(pod: Pod, users: IDMapping | undefined) {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  return {
    network: hostNetwork ? namespaceMode.node : namespaceMode.pod,
    pid: hostPID ? namespaceMode.node : shareProcessNamespace ? namespaceMode.pod : namespaceMode.container,
    ipc: hostIPC ? namespaceMode.node : namespaceMode.pod,
    ...(users && { usernsOptions: { mode: namespaceMode.pod, uids: [users], gids: [users] } }),
  };
}

function seccomp(profile: SeccompProfile | undefined) {
  if (profile?.type === 'RuntimeDefault') return { profileType: profileType.runtimeDefault };
  if (profile?.type === 'Localhost')
    return { profileType: profileType.localhost, localhostRef: profile.localhostProfile ?? '' };
  return { profileType: profileType.unconfined };
}

const isPrivileged = (pod: Pod): boolean =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some((c) => c.securityContext?.privileged);

export function sandboxConfig(pod: Pod, input: SandboxInput): SandboxConfig {
  const identity = identityOf(pod);
  const { sysctls = [], runAsUser, runAsGroup, seccompProfile } = pod.spec.securityContext ?? {};
  const ports = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((c) => c.ports ?? []);
  return {
    metadata: { name: identity.name, namespace: identity.namespace, uid: identity.uid, attempt: input.attempt },
    hostname: pod.spec.hostNetwork ? '' : sandboxHostname(pod, input.domain),
    logDirectory: logFolder(input.logRoot, pod),
    dnsConfig: input.dns,
    portMappings: pod.spec.hostNetwork
      ? []
      : ports
          .filter((p) => (p.hostPort ?? 0) > 0)
          .map((p) => ({
            protocol: protocols[(p.protocol ?? 'TCP') as keyof typeof protocols],
            containerPort: p.containerPort,
            hostPort: p.hostPort ?? 0,
            ...(p.hostIP && { hostIp: p.hostIP }),
          })),
    labels: podLabels(identity),
    annotations: {
      ...pod.metadata.annotations,
      [annotations.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    linux: {
      cgroupParent: input.cgroupParent,
      sysctls: Object.fromEntries(sysctls.map((s) => [dotted(s.name), s.value])),
      securityContext: {
        namespaceOptions: namespaces(pod, input.users),
        privileged: isPrivileged(pod),
        // The pause process, which knows nothing of a profile made for the pod's own.
        seccomp: seccomp(seccompProfile && { type: 'RuntimeDefault' }),
        ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
        ...(runAsUser !== undefined && runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
      },
    },
  };
}

const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

function securityContext(
  pod: Pod,
  container: Container,
  { targetId, users }: ContainerInput,
): LinuxContainerSecurityContext {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const runAsUser = own.runAsUser ?? ofPod.runAsUser;
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup;
  const unmasked = own.privileged || own.procMount === 'Unmasked';
  return {
    privileged: own.privileged ?? false,
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    namespaceOptions: {
      ...namespaces(pod, users),
      ...(targetId !== undefined && { pid: namespaceMode.target, targetId }),
    },
    supplementalGroups: [...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])],
    supplementalGroupsPolicy:
      ofPod.supplementalGroupsPolicy === 'Strict' ? supplementalGroupsPolicy.Strict : supplementalGroupsPolicy.Merge,
    seccomp: seccomp(own.seccompProfile ?? ofPod.seccompProfile),
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    ...(own.capabilities && {
      capabilities: { addCapabilities: own.capabilities.add ?? [], dropCapabilities: own.capabilities.drop ?? [] },
    }),
  };
}

export interface ContainerInput {
  readonly attempt: number;
  /** How often all containers of the pod were restarted. */
  readonly podRestarts: number;
  readonly environment: ReadonlyMap<string, string>;
  /** Host path of each of the container's volumeMounts, by index (sub-paths.ts); of images the path in them. */
  readonly mountSources: readonly (string | undefined)[];
  /** Id of the image by volume name, for volumes of images. */
  readonly images: ReadonlyMap<string, string>;
  /** Volumes whose content is the API's (ConfigMaps, Secrets, …): read-only whatever the mount says. */
  readonly readonlyVolumes: ReadonlySet<string>;
  /** Host path of the block device by volume name. */
  readonly devices: ReadonlyMap<string, string>;
  readonly hostsFile: string;
  /** Host path of the file that becomes the termination message; absent where the pod wants none. */
  readonly terminationFile: string;
  readonly resources: LinuxContainerResources;
  /** Id of the container whose processes an ephemeral container sees. */
  readonly targetId?: string | undefined;
  /** Whether the runtime can make a mount read-only with all that is mounted in it. */
  readonly mountsRecursively: boolean;
  /** Of a pod with users of its own: who they are on the node. */
  readonly users?: IDMapping | undefined;
}

const propagation = {
  None: mountPropagation.private,
  HostToContainer: mountPropagation.hostToContainer,
  Bidirectional: mountPropagation.bidirectional,
} as const;

/** Whether the mount is read-only with all that is mounted in it. Throws ConfigError where it must be and cannot. */
function isRecursive(
  { name, readOnly, mountPropagation = 'None', recursiveReadOnly = 'Disabled' }: VolumeMount,
  canBe: boolean,
) {
  if (recursiveReadOnly === 'Disabled') return false;
  const refuse = (why: string) => {
    const message = `volume "${name}" requested recursive read-only mode, but it is ${why}`;
    return new ConfigError(`failed to resolve recursive read-only mode: ${message}`);
  };
  if (!readOnly) throw refuse('not read-only');
  if (mountPropagation !== 'None') throw refuse(`not compatible with propagation "${mountPropagation}"`);
  if (recursiveReadOnly === 'Enabled' && !canBe) throw refuse('not supported by the runtime');
  return canBe;
}

function mounts(container: Container, input: ContainerInput): Mount[] {
  const result: Mount[] = [];
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const source = input.mountSources[i];
    if (source === undefined) continue;
    const image = input.images.get(mount.name);
    result.push({
      containerPath: mount.mountPath,
      ...(image === undefined ? { hostPath: source } : { image: { image }, imageSubPath: source }),
      readonly: mount.readOnly || input.readonlyVolumes.has(mount.name),
      propagation: propagation[(mount.mountPropagation ?? 'None') as keyof typeof propagation],
      recursiveReadOnly: isRecursive(mount, input.mountsRecursively),
    });
  }
  const has = (path: string) => result.some((m) => m.containerPath === path);
  if (!has('/etc/hosts')) {
    result.push({
      containerPath: '/etc/hosts',
      hostPath: input.hostsFile,
      readonly: container.securityContext?.readOnlyRootFilesystem ?? false,
    });
  }
  const terminationPath = container.terminationMessagePath ?? '/dev/termination-log';
  if (terminationPath && !has(terminationPath))
    result.push({ containerPath: terminationPath, hostPath: input.terminationFile });
  const { users } = input;
  // Files on the node are root's, and the pod's root is another there.
  return users ? result.map((mount) => ({ ...mount, uidMappings: [users], gidMappings: [users] })) : result;
}

function devices({ volumeDevices = [] }: Container, { devices: found, readonlyVolumes }: ContainerInput): Device[] {
  return volumeDevices.flatMap(({ name, devicePath }) => {
    const hostPath = found.get(name);
    const permissions = readonlyVolumes.has(name) ? 'r' : 'mrw';
    return hostPath === undefined ? [] : [{ containerPath: devicePath, hostPath, permissions }];
  });
}

export function containerConfig(pod: Pod, container: Container, input: ContainerInput): ContainerConfig {
  const words = (list: readonly string[] = []) => list.map((word) => expand(word, input.environment));
  return {
    metadata: { name: container.name, attempt: input.attempt },
    image: { image: container.image ?? '' },
    command: words(container.command),
    args: words(container.args),
    workingDir: container.workingDir ?? '',
    envs: [...input.environment].map(([key, value]) => ({ key, value })),
    mounts: mounts(container, input),
    devices: devices(container, input),
    labels: { ...podLabels(identityOf(pod)), [labels.containerName]: container.name },
    annotations: {
      ...(input.podRestarts > 0 && { [annotations.podRestarts]: String(input.podRestarts) }),
      [annotations.image]: container.image ?? '',
      [annotations.terminationMessagePath]: input.terminationFile,
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
    },
    logPath: `${container.name}/${input.attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: input.resources, securityContext: securityContext(pod, container, input) },
    stopSignal: stopSignalNumber(container.lifecycle?.stopSignal),
  };
}
