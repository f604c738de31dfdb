// Turns a container of a pod into a running one: image, environment, files, then CRI's create and start.
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, NodeRuntimeHandlerFeatures, Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { EventText } from '../../client/events.ts';
import type { Files } from '../../system/files.ts';
import type { CriImage, IDMapping, SandboxConfig } from '../cri/messages.ts';
import { removeLog } from '../logs/log-rotation.ts';
import { readInside } from '../volumes/read-inside.ts';
import type { PodVolumes } from '../volumes/volume-manager.ts';
import { cgroupMount, removeCgroup, setPodCgroup } from './cgroups.ts';
import { containerConfig, sandboxConfig } from './container-config.ts';
import { dnsSettings, dnsWarnings } from './dns-settings.ts';
import { ConfigError, environment } from './env.ts';
import { formatPod, identityOf, logFile, logFolder } from './identity.ts';
import { ImageError } from './images.ts';
import type { Addresses } from './mounted-volumes.ts';
import { hostsFile } from './network-files.ts';
import type { ObservedContainer, ObservedSandbox } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import type { RegistryCredential } from './registry-auth.ts';
import { containerResources, podCgroup, podCgroupResources, podCgroups } from './resources.ts';
import { mountSources } from './sub-paths.ts';

export interface StartContainer {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly podRestarts: number;
  readonly sandbox: ObservedSandbox;
  readonly mounted: PodVolumes;
  readonly addresses: Addresses;
  /** Id of the container whose processes an ephemeral container sees. */
  readonly targetId: string | undefined;
  readonly event: (event: EventText) => void;
  /** Of the pod, not of the container. */
  readonly podEvent: (event: EventText) => void;
  /** Aborts when the pod is to end. */
  readonly signal: AbortSignal;
}

export type StartResult =
  | { readonly kind: 'started'; readonly id: string }
  | {
      readonly kind: 'waiting';
      /** Of the container, if it could be made but not started. */
      readonly id?: string;
      readonly reason: string;
      readonly message: string;
      readonly retryAt: number;
    };

/** What a container waits for is looked at again after this time (ms). */
const retryDelay = 5000;

export class ContainerStarter {
  readonly #context: PodContext;

  constructor(context: PodContext) {
    this.#context = context;
  }

  async sandboxConfig(pod: Pod, attempt: number): Promise<SandboxConfig> {
    const { options, logRoot } = this.#context;
    const [dns, users] = await Promise.all([this.#context.dns(), this.#users(pod)]);
    return sandboxConfig(pod, {
      attempt,
      logRoot,
      cgroupParent: podCgroup(options.cgroupRoot, pod),
      dns: dnsSettings(pod, dns),
      domain: dns.domain,
      users,
    });
  }

  /** Who the pod's users are on the node, of a pod that wants its own. Rejects where the runtime cannot give them. */
  async #users(pod: Pod): Promise<IDMapping | undefined> {
    if (pod.spec.hostUsers !== false) return undefined;
    const { userNamespaces } = this.#context;
    const uid = pod.metadata.uid ?? '';
    const known = await userNamespaces.of(uid);
    if (known) return known;
    const handler = await this.#context.sources.of(pod).runtimeHandler();
    const features = this.#featuresOf(handler);
    if (features?.userNamespaces) return userNamespaces.allocate(uid);
    const whose = handler === '' ? 'runtime' : `RuntimeClass handler ${JSON.stringify(handler)}`;
    const why = features ? '' : `: the handler ${JSON.stringify(handler)} is not known`;
    throw new Error(`can't set \`spec.hostUsers: false\`, ${whose} does not support user namespaces${why}`);
  }

  /** What a handler of the runtime can do, as the Node tells; undefined of one that it does not know. */
  #featuresOf(handler: string): NodeRuntimeHandlerFeatures | undefined {
    const { nodes, options } = this.#context;
    const found = nodes.get(options.nodeName)?.status?.runtimeHandlers?.find(({ name = '' }) => name === handler);
    return found && (found.features ?? {});
  }

  /** What there is to say of a new sandbox's name resolution. */
  async dnsWarnings(pod: Pod): Promise<readonly EventText[]> {
    return dnsWarnings(pod, await this.#context.dns());
  }

  async start(request: StartContainer): Promise<StartResult> {
    const { pod, container, sandbox, event, signal } = request;
    const { cri, clock } = this.#context.options;
    const retryAt = () => clock.monotonic() + retryDelay;
    const failed = (reason: string, message: string, at = retryAt()) => ({
      kind: 'waiting' as const,
      reason,
      message,
      retryAt: at,
    });
    let id: string;
    try {
      const credentials = this.#credentials(request);
      const image = await this.#context.images.ensure({ pod, container, credentials, event, signal });
      const images = await this.#imageVolumes(request);
      const config = await this.#containerConfig(request, { image, images });
      id = await cri.createContainer({
        podSandboxId: sandbox.id,
        config,
        sandboxConfig: await this.sandboxConfig(pod, sandbox.attempt),
      });
    } catch (error) {
      if (error instanceof ImageError) {
        event({ type: 'Warning', reason: 'Failed', message: `Error: ${error.reason}` });
        return failed(error.reason, error.message, error.retryAt);
      }
      const message = errorMessage(error);
      event({ type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
      return failed(error instanceof ConfigError ? error.reason : 'CreateContainerError', message);
    }
    event({ type: 'Normal', reason: 'Created', message: 'Container created' });
    try {
      await cri.startContainer(id);
    } catch (error) {
      const message = errorMessage(error);
      event({ type: 'Warning', reason: 'Failed', message: `Error: ${message}` });
      return { ...failed('RunContainerError', message, clock.monotonic()), id };
    }
    event({ type: 'Normal', reason: 'Started', message: 'Container started' });
    return { kind: 'started', id };
  }

  /** What images are pulled with; that some of it is not there is said. */
  #credentials({ pod, podEvent }: StartContainer): () => Promise<readonly RegistryCredential[]> {
    return async () => {
      const { credentials, missing } = await this.#context.sources.of(pod).pullSecrets();
      const what = `Unable to retrieve some image pull secrets (${missing.join(', ')})`;
      const message = `${what}; attempting to pull the image may not succeed.`;
      if (missing.length > 0) podEvent({ type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message });
      return credentials;
    };
  }

  /** Id by volume name of the images that the container mounts; they are pulled as its own is. Rejects with ImageError. */
  async #imageVolumes(request: StartContainer): Promise<Map<string, string>> {
    const { pod, container, mounted, podEvent: event, signal } = request;
    const credentials = this.#credentials(request);
    const found = new Map<string, string>();
    for (const name of new Set(container.volumeMounts?.map((mount) => mount.name))) {
      const { reference = '', pullPolicy } = mounted.images.get(name) ?? {};
      if (!mounted.images.has(name)) continue;
      const wanted = { name, image: reference, ...(pullPolicy !== undefined && { imagePullPolicy: pullPolicy }) };
      const { id } = await this.#context.images.ensure({ pod, container: wanted, credentials, event, signal });
      found.set(name, id);
    }
    return found;
  }

  async #containerConfig(
    { pod, container, attempt, podRestarts, mounted, addresses, targetId }: StartContainer,
    { image, images }: { readonly image: CriImage; readonly images: ReadonlyMap<string, string> },
  ) {
    const { options, services, volumes, nodeResources } = this.#context;
    checkUser(pod, container, image);
    const all = services.list();
    const values = await environment(pod, container, {
      ...this.#context.sources.of(pod),
      services: all,
      ...addresses,
      hostIPs: options.nodeIPs,
      async volumeFile(volume, path) {
        const folder = mounted.paths.get(volume);
        return folder === undefined ? undefined : { path: join(folder, path), text: await readInside(folder, path) };
      },
    });
    const dir = volumes.podDir(pod.metadata.uid ?? '');
    const folder = join(dir, 'containers', container.name);
    const terminationFile = join(folder, String(attempt));
    const hosts = join(dir, 'etc-hosts');
    await mkdir(folder, { recursive: true });
    const { domain } = await this.#context.dns();
    const node = pod.spec.hostNetwork ? await namesOfNode(options.files) : undefined;
    await Promise.all([
      // Whoever the container runs as writes it, whatever the agent's umask.
      writeFile(terminationFile, '').then(() => chmod(terminationFile, 0o666)),
      writeFile(hosts, hostsFile(pod, { podIPs: addresses.podIPs, domain, ...(node && { node }) })),
      mkdir(join(logFolder(this.#context.logRoot, pod), container.name), { recursive: true }),
    ]);
    const sources = await mountSources(container, mounted, values);
    const wantsRecursion = container.volumeMounts?.some(
      ({ recursiveReadOnly: how = 'Disabled' }) => how !== 'Disabled',
    );
    const handler = wantsRecursion ? await this.#context.sources.of(pod).runtimeHandler() : '';
    return containerConfig(pod, container, {
      attempt,
      podRestarts,
      environment: values,
      mountSources: sources,
      images,
      readonlyVolumes: mounted.readonly,
      devices: mounted.devices,
      hostsFile: hosts,
      terminationFile,
      resources: containerResources(pod, container, nodeResources),
      targetId,
      mountsRecursively: this.#featuresOf(handler)?.recursiveReadOnlyMounts ?? false,
      users: await this.#users(pod),
    });
  }

  /** Gives the pod's cgroup, once the runtime has made it, what the pod may have; with `isGrowth` no less than it has. */
  async limitPod(pod: Pod, { isGrowth }: { readonly isGrowth: boolean }): Promise<void> {
    const cgroup = podCgroup(this.#context.options.cgroupRoot, pod);
    await setPodCgroup(cgroupMount, cgroup, { ...podCgroupResources(pod), isGrowth });
  }

  async removeLog(pod: Pod, container: ObservedContainer): Promise<void> {
    await removeLog(logFile(this.#context.logRoot, pod, container));
  }

  /** Logs and cgroups of a pod that is gone. */
  async removeTraces(pod: Pod): Promise<void> {
    await rm(logFolder(this.#context.logRoot, pod), { recursive: true, force: true });
    const uid = pod.metadata.uid ?? '';
    // Of a pod that went while no kubelet ran nobody knows the class any more.
    for (const cgroup of podCgroups(this.#context.options.cgroupRoot, uid)) await removeCgroup(cgroupMount, cgroup);
    this.#context.images.forget(uid);
    this.#context.sources.forget(uid);
  }
}

/** runAsNonRoot (kubelet's verifyRunAsNonRoot). Throws ConfigError. */
function checkUser(pod: Pod, container: Container, image: CriImage): void {
  const own = container.securityContext ?? {};
  const ofPod = pod.spec.securityContext ?? {};
  if (!(own.runAsNonRoot ?? ofPod.runAsNonRoot)) return;
  const user = own.runAsUser ?? ofPod.runAsUser;
  const where = `(pod: "${formatPod(identityOf(pod))}", container: ${container.name})`;
  if (user === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (user !== undefined) return;
  if (image.username !== '') {
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  }
  if ((image.uid?.value ?? 0) === 0)
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}

/** What pods on the node's network are called, and whom they know. */
async function namesOfNode(files: Files): Promise<{ readonly hostname: string; readonly hosts: string }> {
  const [hostname = '', hosts = ''] = await Promise.all([
    files.read('/proc/sys/kernel/hostname'),
    files.read('/etc/hosts'),
  ]);
  return { hostname: hostname.trim(), hosts };
}
