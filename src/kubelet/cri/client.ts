// The calls of CRI as the kubelet makes them. `Cri` is what the rest of the kubelet knows; tests give it a fake.

import { GrpcClient, GrpcError, grpcCode, method } from '../../grpc/client.ts';
import { Turns } from '../../system/turns.ts';
import * as m from './messages.ts';

export interface RuntimeVersion {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
}

export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeStatus {
  readonly conditions: readonly RuntimeCondition[];
  /** What it can do whatever runs containers; a runtime of before 2.0 does not tell. */
  readonly features?: { readonly supplementalGroupsPolicy: boolean } | undefined;
  /** What runs containers, the default by the name '' too; a runtime of before 2.0 tells of none. */
  readonly handlers?: readonly RuntimeHandler[];
}

export interface RuntimeHandler {
  readonly name: string;
  readonly features?: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean } | undefined;
}

export interface ExecSyncResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface CreateContainer {
  readonly podSandboxId: string;
  readonly config: m.ContainerConfig;
  readonly sandboxConfig: m.SandboxConfig;
}

/** The container runtime. Every call rejects with GrpcError; stop and remove calls succeed when the thing is gone. */
export interface Cri {
  version(): Promise<RuntimeVersion>;
  status(): Promise<RuntimeStatus>;
  /** The sandbox's id, running and with its network. `runtimeHandler` as the runtime's configuration names it; '' for its default. */
  runPodSandbox(config: m.SandboxConfig, runtimeHandler?: string): Promise<string>;
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): Promise<m.SandboxStatus>;
  /** Path of the sandbox's network namespace; undefined of one that is in the node's own. */
  networkNamespace(sandboxId: string): Promise<string | undefined>;
  listPodSandbox(labels?: Readonly<Record<string, string>>): Promise<readonly m.PodSandbox[]>;
  createContainer(request: CreateContainer): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** `timeout` in seconds between the stop signal and SIGKILL. */
  stopContainer(id: string, timeout: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  /** Of a container that runs; takes effect at once. */
  updateContainerResources(id: string, resources: m.LinuxContainerResources): Promise<void>;
  listContainers(labels?: Readonly<Record<string, string>>): Promise<readonly m.CriContainer[]>;
  containerStatus(id: string): Promise<m.CriContainerStatus>;
  reopenContainerLog(id: string): Promise<void>;
  /** `timeout` in seconds, 0 without limit; a command that takes longer rejects with `deadlineExceeded`. */
  execSync(id: string, command: readonly string[], timeout: number, signal?: AbortSignal): Promise<ExecSyncResult>;
  /** The URL of the runtime's streaming server. */
  exec(request: m.ExecRequest): Promise<string>;
  attach(request: m.AttachRequest): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;
  /** Undefined when the image is not on the node. */
  imageStatus(image: string): Promise<m.CriImage | undefined>;
  listImages(): Promise<readonly m.CriImage[]>;
  pullImage(image: string, auth?: m.AuthConfig, signal?: AbortSignal): Promise<string>;
  removeImage(image: string): Promise<void>;
  /** Bytes and inodes that images take, and where they are. */
  imageFsInfo(): Promise<{ readonly mountpoint: string; readonly usedBytes: number; readonly inodesUsed: number }[]>;
  /** One call after another: of two at a time a containerd of before 1.6.22 may end (https://github.com/containerd/containerd/pull/8819). */
  listContainerStats(): Promise<readonly m.ContainerStats[]>;
  /** Whether the runtime leaves cgroups to systemd; undefined of one before 2.0, which does not tell. */
  usesSystemd(): Promise<boolean | undefined>;
  updatePodCIDR(podCIDR: string): Promise<void>;
  close(): void;
}

interface SandboxInfo {
  readonly runtimeSpec?: {
    readonly linux?: { readonly namespaces?: readonly { readonly type: string; readonly path?: string }[] };
  };
}

const methods = {
  version: method('runtime.v1.RuntimeService/Version', m.empty, m.versionResponse),
  status: method('runtime.v1.RuntimeService/Status', m.empty, m.statusResponse),
  runPodSandbox: method('runtime.v1.RuntimeService/RunPodSandbox', m.runPodSandboxRequest, m.podSandboxId),
  stopPodSandbox: method('runtime.v1.RuntimeService/StopPodSandbox', m.podSandboxId, m.empty),
  removePodSandbox: method('runtime.v1.RuntimeService/RemovePodSandbox', m.podSandboxId, m.empty),
  podSandboxStatus: method(
    'runtime.v1.RuntimeService/PodSandboxStatus',
    m.podSandboxStatusRequest,
    m.podSandboxStatusResponse,
  ),
  listPodSandbox: method('runtime.v1.RuntimeService/ListPodSandbox', m.listPodSandboxRequest, m.listPodSandboxResponse),
  createContainer: method('runtime.v1.RuntimeService/CreateContainer', m.createContainerRequest, m.containerId),
  startContainer: method('runtime.v1.RuntimeService/StartContainer', m.containerId, m.empty),
  stopContainer: method('runtime.v1.RuntimeService/StopContainer', m.stopContainerRequest, m.empty),
  removeContainer: method('runtime.v1.RuntimeService/RemoveContainer', m.containerId, m.empty),
  listContainers: method('runtime.v1.RuntimeService/ListContainers', m.listContainersRequest, m.listContainersResponse),
  containerStatus: method('runtime.v1.RuntimeService/ContainerStatus', m.containerId, m.containerStatusResponse),
  updateContainerResources: method(
    'runtime.v1.RuntimeService/UpdateContainerResources',
    m.updateContainerResourcesRequest,
    m.empty,
  ),
  reopenContainerLog: method('runtime.v1.RuntimeService/ReopenContainerLog', m.containerId, m.empty),
  execSync: method('runtime.v1.RuntimeService/ExecSync', m.execSyncRequest, m.execSyncResponse),
  exec: method('runtime.v1.RuntimeService/Exec', m.execRequest, m.streamingUrl),
  attach: method('runtime.v1.RuntimeService/Attach', m.attachRequest, m.streamingUrl),
  portForward: method('runtime.v1.RuntimeService/PortForward', m.portForwardRequest, m.streamingUrl),
  listContainerStats: method('runtime.v1.RuntimeService/ListContainerStats', m.empty, m.listContainerStatsResponse),
  runtimeConfig: method('runtime.v1.RuntimeService/RuntimeConfig', m.empty, m.runtimeConfigResponse),
  updateRuntimeConfig: method('runtime.v1.RuntimeService/UpdateRuntimeConfig', m.updateRuntimeConfigRequest, m.empty),
  imageStatus: method('runtime.v1.ImageService/ImageStatus', m.imageRequest, m.imageStatusResponse),
  listImages: method('runtime.v1.ImageService/ListImages', m.empty, m.listImagesResponse),
  pullImage: method('runtime.v1.ImageService/PullImage', m.pullImageRequest, m.pullImageResponse),
  removeImage: method('runtime.v1.ImageService/RemoveImage', m.imageRequest, m.empty),
  imageFsInfo: method('runtime.v1.ImageService/ImageFsInfo', m.empty, m.imageFsInfoResponse),
};

/** Longest wait for a call that does no work of a container's own, in milliseconds (kubelet's --runtime-request-timeout). */
const timeout = 120_000;
const quick = { timeout };

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new GrpcError(grpcCode.unknown, `the runtime answered without ${what}`);
  return value;
}

/** `socketPath` is containerd's socket; nothing is opened before the first call. */
export function criClient(socketPath: string): Cri {
  const grpc = new GrpcClient(socketPath);
  const text = new TextDecoder();
  const none = async (reply: Promise<unknown>): Promise<void> => {
    await reply;
  };
  const measuring = new Turns();
  return {
    version: () => grpc.unary(methods.version, {}, quick),
    async status() {
      const { status, features, runtimeHandlers } = await grpc.unary(methods.status, {}, quick);
      return { conditions: status?.conditions ?? [], features, handlers: runtimeHandlers };
    },
    async runPodSandbox(config, runtimeHandler = '') {
      const request = { config, runtimeHandler };
      return (await grpc.unary(methods.runPodSandbox, request, { timeout: 2 * timeout })).podSandboxId;
    },
    stopPodSandbox: (id) => none(grpc.unary(methods.stopPodSandbox, { podSandboxId: id }, quick)),
    removePodSandbox: (id) => none(grpc.unary(methods.removePodSandbox, { podSandboxId: id }, quick)),
    async podSandboxStatus(id) {
      return present((await grpc.unary(methods.podSandboxStatus, { podSandboxId: id }, quick)).status, 'a status');
    },
    async networkNamespace(sandboxId) {
      const request = { podSandboxId: sandboxId, verbose: true };
      const { info } = await grpc.unary(methods.podSandboxStatus, request, quick);
      // What CRI leaves to the runtime is the same in containerd and in CRI-O: the sandbox's OCI spec.
      const { runtimeSpec } = JSON.parse(present(info.info, 'what its sandbox is made of')) as SandboxInfo;
      return runtimeSpec?.linux?.namespaces?.find(({ type }) => type === 'network')?.path;
    },
    async listPodSandbox(labels = {}) {
      return (await grpc.unary(methods.listPodSandbox, { filter: { labelSelector: labels } }, quick)).items;
    },
    async createContainer(request) {
      return (await grpc.unary(methods.createContainer, request, quick)).containerId;
    },
    startContainer: (id) => none(grpc.unary(methods.startContainer, { containerId: id }, quick)),
    stopContainer: (id, seconds) =>
      none(
        grpc.unary(methods.stopContainer, { containerId: id, timeout: seconds }, { timeout: timeout + seconds * 1000 }),
      ),
    updateContainerResources: (id, linux) =>
      none(grpc.unary(methods.updateContainerResources, { containerId: id, linux }, quick)),
    removeContainer: (id) => none(grpc.unary(methods.removeContainer, { containerId: id }, quick)),
    async listContainers(labels = {}) {
      return (await grpc.unary(methods.listContainers, { filter: { labelSelector: labels } }, quick)).containers;
    },
    async containerStatus(id) {
      return present((await grpc.unary(methods.containerStatus, { containerId: id }, quick)).status, 'a status');
    },
    reopenContainerLog: (id) => none(grpc.unary(methods.reopenContainerLog, { containerId: id }, quick)),
    async execSync(id, command, seconds, signal) {
      const limits = { ...(seconds > 0 && { timeout: seconds * 1000 + 2000 }), ...(signal && { signal }) };
      const reply = await grpc.unary(methods.execSync, { containerId: id, cmd: command, timeout: seconds }, limits);
      return { stdout: text.decode(reply.stdout), stderr: text.decode(reply.stderr), exitCode: reply.exitCode };
    },
    async exec(request) {
      return (await grpc.unary(methods.exec, request, quick)).url;
    },
    async attach(request) {
      return (await grpc.unary(methods.attach, request, quick)).url;
    },
    async portForward(sandboxId, ports) {
      return (await grpc.unary(methods.portForward, { podSandboxId: sandboxId, port: ports }, quick)).url;
    },
    async imageStatus(image) {
      return (await grpc.unary(methods.imageStatus, { image: { image } }, quick)).image;
    },
    async listImages() {
      return (await grpc.unary(methods.listImages, {}, quick)).images;
    },
    async pullImage(image, auth, signal) {
      const request = { image: { image }, ...(auth && { auth }) };
      return (await grpc.unary(methods.pullImage, request, signal && { signal })).imageRef;
    },
    removeImage: (image) => none(grpc.unary(methods.removeImage, { image: { image } }, quick)),
    async imageFsInfo() {
      const { imageFilesystems } = await grpc.unary(methods.imageFsInfo, {}, quick);
      return imageFilesystems.map((fs) => ({
        mountpoint: fs.fsId?.mountpoint ?? '',
        usedBytes: fs.usedBytes?.value ?? 0,
        inodesUsed: fs.inodesUsed?.value ?? 0,
      }));
    },
    async listContainerStats() {
      return (await measuring.take(() => grpc.unary(methods.listContainerStats, {}, quick))).stats;
    },
    async usesSystemd() {
      try {
        const { linux } = await grpc.unary(methods.runtimeConfig, {}, quick);
        return linux && linux.cgroupDriver === m.cgroupDriver.systemd;
      } catch (error) {
        if (error instanceof GrpcError && error.code === grpcCode.unimplemented) return undefined;
        throw error;
      }
    },
    updatePodCIDR: (podCidr) =>
      none(grpc.unary(methods.updateRuntimeConfig, { runtimeConfig: { networkConfig: { podCidr } } }, quick)),
    close: () => grpc.close(),
  };
}
