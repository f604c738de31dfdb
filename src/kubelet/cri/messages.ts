// The messages of CRI (runtime.v1 of k8s.io/cri-api) that the kubelet uses, and of them the fields that it uses. Field
// numbers are those of api.proto; times are nanoseconds since the epoch.
import {
  bool,
  bytes,
  type Input,
  int,
  message,
  type Output,
  repeated,
  string,
  stringMap,
  sub,
} from '../../grpc/codec.ts';

const int64Value = message({ value: int(1) });

export const empty = message({});

export const versionResponse = message({ runtimeName: string(2), runtimeVersion: string(3) });

const runtimeCondition = message({ type: string(1), status: bool(2), reason: string(3), message: string(4) });
const runtimeStatus = message({ conditions: repeated(sub(1, runtimeCondition)) });
// Of containerd from 2.0 on, as are the features themselves.
const runtimeFeatures = message({ supplementalGroupsPolicy: bool(1) });
const handlerFeatures = message({ recursiveReadOnlyMounts: bool(1), userNamespaces: bool(2) });
const runtimeHandler = message({ name: string(1), features: sub(2, handlerFeatures) });
export const statusResponse = message({
  status: sub(1, runtimeStatus),
  runtimeHandlers: repeated(sub(3, runtimeHandler)),
  features: sub(4, runtimeFeatures),
});

const dnsConfig = message({
  servers: repeated(string(1)),
  searches: repeated(string(2)),
  options: repeated(string(3)),
});
export const protocols = { TCP: 0, UDP: 1, SCTP: 2 } as const;
const portMapping = message({ protocol: int(1), containerPort: int(2), hostPort: int(3), hostIp: string(4) });
export const namespaceMode = { pod: 0, container: 1, node: 2, target: 3 } as const;
const idMapping = message({ hostId: int(1), containerId: int(2), length: int(3) });
export type IDMapping = Output<typeof idMapping>;
const userNamespace = message({ mode: int(1), uids: repeated(sub(2, idMapping)), gids: repeated(sub(3, idMapping)) });
const namespaceOption = message({
  network: int(1),
  pid: int(2),
  ipc: int(3),
  targetId: string(4),
  usernsOptions: sub(5, userNamespace),
});
export const profileType = { runtimeDefault: 0, unconfined: 1, localhost: 2 } as const;
export const supplementalGroupsPolicy = { Merge: 0, Strict: 1 } as const;
const securityProfile = message({ profileType: int(1), localhostRef: string(2) });
const sandboxSecurityContext = message({
  namespaceOptions: sub(1, namespaceOption),
  runAsUser: sub(3, int64Value),
  privileged: bool(6),
  runAsGroup: sub(8, int64Value),
  seccomp: sub(9, securityProfile),
});
const linuxSandboxConfig = message({
  cgroupParent: string(1),
  securityContext: sub(2, sandboxSecurityContext),
  sysctls: stringMap(3),
});
const sandboxMetadata = message({ name: string(1), uid: string(2), namespace: string(3), attempt: int(4) });
const sandboxConfig = message({
  metadata: sub(1, sandboxMetadata),
  hostname: string(2),
  logDirectory: string(3),
  dnsConfig: sub(4, dnsConfig),
  portMappings: repeated(sub(5, portMapping)),
  labels: stringMap(6),
  annotations: stringMap(7),
  linux: sub(8, linuxSandboxConfig),
});
export type SandboxConfig = Input<typeof sandboxConfig>;

export const runPodSandboxRequest = message({ config: sub(1, sandboxConfig), runtimeHandler: string(2) });
export const podSandboxId = message({ podSandboxId: string(1) });

export const sandboxState = { ready: 0, notReady: 1 } as const;
const podIP = message({ ip: string(1) });
const sandboxNetwork = message({ ip: string(1), additionalIps: repeated(sub(2, podIP)) });
const sandboxStatus = message({
  id: string(1),
  metadata: sub(2, sandboxMetadata),
  state: int(3),
  createdAt: int(4),
  network: sub(5, sandboxNetwork),
});
export type SandboxStatus = Output<typeof sandboxStatus>;
export const podSandboxStatusRequest = message({ podSandboxId: string(1), verbose: bool(2) });
export const podSandboxStatusResponse = message({ status: sub(1, sandboxStatus), info: stringMap(2) });

export const listPodSandboxRequest = message({ filter: sub(1, message({ labelSelector: stringMap(3) })) });
const podSandbox = message({
  id: string(1),
  metadata: sub(2, sandboxMetadata),
  state: int(3),
  createdAt: int(4),
  labels: stringMap(5),
  annotations: stringMap(6),
});
export type PodSandbox = Output<typeof podSandbox>;
export const listPodSandboxResponse = message({ items: repeated(sub(1, podSandbox)) });

const imageSpec = message({ image: string(1) });
const keyValue = message({ key: string(1), value: string(2) });
export const mountPropagation = { private: 0, hostToContainer: 1, bidirectional: 2 } as const;
const mount = message({
  containerPath: string(1),
  hostPath: string(2),
  readonly: bool(3),
  propagation: int(5),
  uidMappings: repeated(sub(6, idMapping)),
  gidMappings: repeated(sub(7, idMapping)),
  recursiveReadOnly: bool(8),
  image: sub(9, imageSpec),
  imageSubPath: string(10),
});
export type Mount = Input<typeof mount>;
const device = message({ containerPath: string(1), hostPath: string(2), permissions: string(3) });
export type Device = Input<typeof device>;
const linuxResources = message({
  cpuPeriod: int(1),
  cpuQuota: int(2),
  cpuShares: int(3),
  memoryLimitInBytes: int(4),
  oomScoreAdj: int(5),
  unified: stringMap(9),
});
export type LinuxContainerResources = Input<typeof linuxResources>;
const capability = message({ addCapabilities: repeated(string(1)), dropCapabilities: repeated(string(2)) });
const containerSecurityContext = message({
  capabilities: sub(1, capability),
  privileged: bool(2),
  namespaceOptions: sub(3, namespaceOption),
  runAsUser: sub(5, int64Value),
  readonlyRootfs: bool(7),
  supplementalGroups: repeated(int(8)),
  noNewPrivs: bool(11),
  runAsGroup: sub(12, int64Value),
  maskedPaths: repeated(string(13)),
  readonlyPaths: repeated(string(14)),
  seccomp: sub(15, securityProfile),
  supplementalGroupsPolicy: int(17),
});
export type LinuxContainerSecurityContext = Input<typeof containerSecurityContext>;
const linuxContainerConfig = message({
  resources: sub(1, linuxResources),
  securityContext: sub(2, containerSecurityContext),
});
const containerMetadata = message({ name: string(1), attempt: int(2) });
const containerConfig = message({
  metadata: sub(1, containerMetadata),
  image: sub(2, imageSpec),
  command: repeated(string(3)),
  args: repeated(string(4)),
  workingDir: string(5),
  envs: repeated(sub(6, keyValue)),
  mounts: repeated(sub(7, mount)),
  devices: repeated(sub(8, device)),
  labels: stringMap(9),
  annotations: stringMap(10),
  logPath: string(11),
  stdin: bool(12),
  stdinOnce: bool(13),
  tty: bool(14),
  linux: sub(15, linuxContainerConfig),
  // Of CRI since 1.33.
  stopSignal: int(18),
});
export type ContainerConfig = Input<typeof containerConfig>;

export const createContainerRequest = message({
  podSandboxId: string(1),
  config: sub(2, containerConfig),
  sandboxConfig: sub(3, sandboxConfig),
});
export const containerId = message({ containerId: string(1) });
export const stopContainerRequest = message({ containerId: string(1), timeout: int(2) });

export const containerState = { created: 0, running: 1, exited: 2, unknown: 3 } as const;
export const listContainersRequest = message({ filter: sub(1, message({ labelSelector: stringMap(4) })) });
const container = message({
  id: string(1),
  podSandboxId: string(2),
  metadata: sub(3, containerMetadata),
  image: sub(4, imageSpec),
  imageRef: string(5),
  state: int(6),
  createdAt: int(7),
  labels: stringMap(8),
});
export type CriContainer = Output<typeof container>;
export const listContainersResponse = message({ containers: repeated(sub(1, container)) });

const linuxContainerUser = message({ uid: int(1), gid: int(2), supplementalGroups: repeated(int(3)) });
const containerUser = message({ linux: sub(1, linuxContainerUser) });
const containerStatus = message({
  id: string(1),
  metadata: sub(2, containerMetadata),
  state: int(3),
  createdAt: int(4),
  startedAt: int(5),
  finishedAt: int(6),
  exitCode: int(7),
  image: sub(8, imageSpec),
  imageRef: string(9),
  reason: string(10),
  message: string(11),
  labels: stringMap(12),
  annotations: stringMap(13),
  mounts: repeated(sub(14, message({ containerPath: string(1), recursiveReadOnly: bool(8) }))),
  logPath: string(15),
  // Of containerd from 2.0 on.
  user: sub(18, containerUser),
  stopSignal: int(19),
});
export type CriContainerStatus = Output<typeof containerStatus>;
export const containerStatusResponse = message({ status: sub(1, containerStatus) });

export const execSyncRequest = message({ containerId: string(1), cmd: repeated(string(2)), timeout: int(3) });
export const execSyncResponse = message({ stdout: bytes(1), stderr: bytes(2), exitCode: int(3) });
export const execRequest = message({
  containerId: string(1),
  cmd: repeated(string(2)),
  tty: bool(3),
  stdin: bool(4),
  stdout: bool(5),
  stderr: bool(6),
});
export type ExecRequest = Input<typeof execRequest>;
export const attachRequest = message({
  containerId: string(1),
  stdin: bool(2),
  tty: bool(3),
  stdout: bool(4),
  stderr: bool(5),
});
export type AttachRequest = Input<typeof attachRequest>;
export const portForwardRequest = message({ podSandboxId: string(1), port: repeated(int(2)) });
export const streamingUrl = message({ url: string(1) });

export const updateContainerResourcesRequest = message({ containerId: string(1), linux: sub(2, linuxResources) });

export const imageRequest = message({ image: sub(1, imageSpec) });
const image = message({
  id: string(1),
  repoTags: repeated(string(2)),
  repoDigests: repeated(string(3)),
  size: int(4),
  uid: sub(5, int64Value),
  username: string(6),
  pinned: bool(8),
});
export type CriImage = Output<typeof image>;
export const imageStatusResponse = message({ image: sub(1, image) });
export const listImagesResponse = message({ images: repeated(sub(1, image)) });
const authConfig = message({
  username: string(1),
  password: string(2),
  auth: string(3),
  identityToken: string(5),
});
export type AuthConfig = Input<typeof authConfig>;
export const pullImageRequest = message({ image: sub(1, imageSpec), auth: sub(2, authConfig) });
export const pullImageResponse = message({ imageRef: string(1) });

const uint64Value = int64Value;
const filesystemUsage = message({
  timestamp: int(1),
  fsId: sub(2, message({ mountpoint: string(1) })),
  usedBytes: sub(3, uint64Value),
  inodesUsed: sub(4, uint64Value),
});
export const imageFsInfoResponse = message({ imageFilesystems: repeated(sub(1, filesystemUsage)) });

const cpuUsage = message({ timestamp: int(1), usageCoreNanoSeconds: sub(2, uint64Value) });
const memoryUsage = message({
  timestamp: int(1),
  workingSetBytes: sub(2, uint64Value),
  usageBytes: sub(4, uint64Value),
  rssBytes: sub(5, uint64Value),
});
const containerAttributes = message({ id: string(1), metadata: sub(2, containerMetadata), labels: stringMap(3) });
const containerStats = message({
  attributes: sub(1, containerAttributes),
  cpu: sub(2, cpuUsage),
  memory: sub(3, memoryUsage),
  writableLayer: sub(4, filesystemUsage),
});
export type ContainerStats = Output<typeof containerStats>;
export const listContainerStatsResponse = message({ stats: repeated(sub(1, containerStats)) });

// Of containerd from 2.0 on.
export const cgroupDriver = { systemd: 0, cgroupfs: 1 } as const;
export const runtimeConfigResponse = message({ linux: sub(1, message({ cgroupDriver: int(1) })) });

export const updateRuntimeConfigRequest = message({
  runtimeConfig: sub(1, message({ networkConfig: sub(1, message({ podCidr: string(1) })) })),
});
