// Reads what the runtime has of a pod. Containers that ended do not change: their status is asked once.
import { type FileHandle, open } from 'node:fs/promises';
import { isGrpcNotFound } from '../../grpc/client.ts';
import type { Cri } from '../cri/client.ts';
import { type CriContainerStatus, containerState, type PodSandbox, sandboxState } from '../cri/messages.ts';
import { renderLine, tailOffset } from '../logs/log-reader.ts';
import { annotations, labels } from './identity.ts';
import type { ObservedContainer, ObservedPod, ObservedSandbox } from './observed.ts';
import { stopSignalName } from './stop-signals.ts';

const states = ['created', 'running', 'exited', 'unknown'] as const;
const milliseconds = (nanoseconds: number): number => (nanoseconds > 0 ? Math.floor(nanoseconds / 1e6) : 0);

export class RuntimeReader {
  readonly #cri: Cri;
  readonly #ended = new Map<string, ObservedContainer>();
  readonly #sandboxIPs = new Map<string, readonly string[]>();

  constructor(cri: Cri) {
    this.#cri = cri;
  }

  /** Everything of the pod that the runtime still has. */
  async observe(uid: string): Promise<ObservedPod> {
    const selector = { [labels.podUID]: uid };
    const [sandboxes, containers] = await Promise.all([
      this.#cri.listPodSandbox(selector),
      this.#cri.listContainers(selector),
    ]);
    const observed = await Promise.all(containers.map((c) => this.container(c.id, c.podSandboxId)));
    return {
      sandboxes: (await Promise.all(sandboxes.map((s) => this.#sandbox(s)))).sort(newestFirst),
      containers: observed.filter((c) => c !== undefined).sort(lastAttemptFirst),
    };
  }

  /** Drops what is remembered of things that are gone. */
  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#ended.delete(id);
      this.#sandboxIPs.delete(id);
    }
  }

  /** One sandbox; undefined when the runtime has it no more. */
  async sandbox(id: string): Promise<ObservedSandbox | undefined> {
    const status = await orGone(this.#cri.podSandboxStatus(id));
    if (!status) return undefined;
    const { network } = status;
    const ips = network?.ip ? [network.ip, ...network.additionalIps.map((i) => i.ip)] : [];
    this.#sandboxIPs.set(id, ips);
    return observedSandbox(status, ips);
  }

  /** Path of the network namespace of the sandbox that has the address now; undefined where none has it. */
  async networkNamespaceOf(address: string): Promise<string | undefined> {
    for (const sandbox of await this.#cri.listPodSandbox()) {
      const { id, ips } = await this.#sandbox(sandbox);
      if (ips.includes(address)) return this.#cri.networkNamespace(id);
    }
    return undefined;
  }

  async #sandbox(sandbox: PodSandbox): Promise<ObservedSandbox> {
    const ips = this.#sandboxIPs.get(sandbox.id);
    if (sandbox.state === sandboxState.ready && !ips) {
      const found = await this.sandbox(sandbox.id);
      if (found) return found;
    }
    return observedSandbox(sandbox, ips ?? []);
  }

  /** One container of a sandbox; undefined when the runtime has it no more. */
  async container(id: string, sandboxId: string): Promise<ObservedContainer | undefined> {
    const known = this.#ended.get(id);
    if (known) return known;
    const status = await orGone(this.#cri.containerStatus(id));
    if (!status) return undefined;
    const state = states[status.state] ?? 'unknown';
    const observed: ObservedContainer = {
      id: status.id,
      sandboxId,
      name: status.labels[labels.containerName] ?? status.metadata?.name ?? '',
      attempt: status.metadata?.attempt ?? 0,
      podRestarts: Number(status.annotations[annotations.podRestarts] ?? 0),
      state,
      createdAt: milliseconds(status.createdAt),
      startedAt: milliseconds(status.startedAt),
      finishedAt: milliseconds(status.finishedAt),
      exitCode: status.exitCode,
      reason: status.reason,
      message: state === 'exited' ? (await terminationMessage(status)) || status.message : status.message,
      image: status.image?.image ?? '',
      imageID: status.imageRef,
      wantedImage: status.annotations[annotations.image] ?? '',
      ...userOf(status),
      ...recursiveOf(status),
      ...stopSignalOf(status),
    };
    if (status.state === containerState.exited) this.#ended.set(status.id, observed);
    return observed;
  }
}

function userOf({ user }: CriContainerStatus): Pick<ObservedContainer, 'user'> {
  if (!user?.linux) return {};
  const { uid, gid, supplementalGroups } = user.linux;
  const groups = supplementalGroups.length > 0 && { supplementalGroups: [...supplementalGroups] };
  return { user: { uid, gid, ...groups } };
}

function recursiveOf({ mounts }: CriContainerStatus): Pick<ObservedContainer, 'recursiveReadOnly'> {
  const paths = mounts.filter((mount) => mount.recursiveReadOnly).map(({ containerPath }) => containerPath);
  return paths.length > 0 ? { recursiveReadOnly: paths } : {};
}

function stopSignalOf(status: CriContainerStatus): Pick<ObservedContainer, 'stopSignal'> {
  const stopSignal = stopSignalName(status.stopSignal);
  return stopSignal === undefined ? {} : { stopSignal };
}

/** What was asked of something that is gone has no answer. */
async function orGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isGrpcNotFound(error)) return undefined;
    throw error;
  }
}

function observedSandbox(
  { id, metadata, state, createdAt }: Pick<PodSandbox, 'id' | 'metadata' | 'state' | 'createdAt'>,
  ips: readonly string[],
): ObservedSandbox {
  const ready = state === sandboxState.ready;
  return {
    id,
    attempt: metadata?.attempt ?? 0,
    ready,
    createdAt: milliseconds(createdAt),
    ips: ready ? ips : [],
  };
}

function lastAttemptFirst(a: ObservedContainer, b: ObservedContainer): number {
  return b.attempt - a.attempt || newestFirst(a, b);
}

function newestFirst(a: { readonly createdAt: number }, b: { readonly createdAt: number }): number {
  return b.createdAt - a.createdAt;
}

/** kubelet: at most 4 KiB of the file; where it is empty and the policy says so, the end of the log of a failed container. */
async function terminationMessage({ annotations: said, exitCode, logPath }: CriContainerStatus): Promise<string> {
  const path = said[annotations.terminationMessagePath];
  const message = path ? await read(path, async () => ({ from: 0, length: 4096 })) : '';
  if (message !== '' || exitCode === 0 || !logPath) return message;
  return said[annotations.terminationMessagePolicy] === 'FallbackToLogsOnError' ? endOfLog(logPath) : '';
}

/** The last 80 lines of a log, at most 2 KiB of them. */
export async function endOfLog(path: string): Promise<string> {
  const text = await read(path, async (file) => {
    const { size } = await file.stat();
    const from = Math.max(await tailOffset(file, 80), size - 65_536);
    return { from, length: size - from };
  });
  const lines = text.split('\n').map((line) => renderLine(Buffer.from(line), { timestamps: false }) ?? Buffer.alloc(0));
  return Buffer.concat(lines).subarray(-2048).toString();
}

interface Part {
  readonly from: number;
  readonly length: number;
}

/** Nothing of a file that cannot be read. */
async function read(path: string, part: (file: FileHandle) => Promise<Part>): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return '';
  try {
    const { from, length } = await part(file);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
