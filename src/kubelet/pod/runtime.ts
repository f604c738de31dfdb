// Reads what the runtime has of a pod. Containers that ended do not change: their status is asked once.
import { open } from 'node:fs/promises';
import { isGrpcNotFound } from '../../grpc/client.ts';
import type { Cri } from '../cri/client.ts';
import {
  type CriContainer,
  type CriContainerStatus,
  containerState,
  type PodSandbox,
  sandboxState,
} from '../cri/messages.ts';
import { annotations, labels } from './identity.ts';
import type { ObservedContainer, ObservedPod, ObservedSandbox } from './observed.ts';

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
    const observed = await Promise.all(containers.map((c) => this.#container(c)));
    return {
      sandboxes: (await Promise.all(sandboxes.map((s) => this.#sandbox(s)))).sort(newestFirst),
      containers: observed.filter((c) => c !== undefined).sort((a, b) => b.attempt - a.attempt || newestFirst(a, b)),
    };
  }

  /** Drops what is remembered of things that are gone. */
  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#ended.delete(id);
      this.#sandboxIPs.delete(id);
    }
  }

  async #sandbox(sandbox: PodSandbox): Promise<ObservedSandbox> {
    const ready = sandbox.state === sandboxState.ready;
    let ips = this.#sandboxIPs.get(sandbox.id);
    if (ready && !ips) {
      const status = await this.#cri.podSandboxStatus(sandbox.id).catch((error: unknown) => {
        if (isGrpcNotFound(error)) return undefined;
        throw error;
      });
      const network = status?.network;
      ips = network?.ip ? [network.ip, ...network.additionalIps.map((i) => i.ip)] : [];
      this.#sandboxIPs.set(sandbox.id, ips);
    }
    return {
      id: sandbox.id,
      attempt: sandbox.metadata?.attempt ?? 0,
      ready,
      createdAt: milliseconds(sandbox.createdAt),
      ips: ready ? (ips ?? []) : [],
    };
  }

  async #container(container: CriContainer): Promise<ObservedContainer | undefined> {
    const known = this.#ended.get(container.id);
    if (known) return known;
    let status: CriContainerStatus;
    try {
      status = await this.#cri.containerStatus(container.id);
    } catch (error) {
      if (isGrpcNotFound(error)) return undefined;
      throw error;
    }
    const state = states[status.state] ?? 'unknown';
    const observed: ObservedContainer = {
      id: status.id,
      sandboxId: container.podSandboxId,
      name: container.labels[labels.containerName] ?? status.metadata?.name ?? '',
      attempt: status.metadata?.attempt ?? 0,
      state,
      createdAt: milliseconds(status.createdAt),
      startedAt: milliseconds(status.startedAt),
      finishedAt: milliseconds(status.finishedAt),
      exitCode: status.exitCode,
      reason: status.reason,
      message: state === 'exited' ? (await terminationMessage(status)) || status.message : status.message,
      image: status.image?.image ?? '',
      imageID: status.imageRef,
    };
    if (status.state === containerState.exited) this.#ended.set(status.id, observed);
    return observed;
  }
}

function newestFirst(a: { readonly createdAt: number }, b: { readonly createdAt: number }): number {
  return b.createdAt - a.createdAt;
}

/** kubelet: at most 4 KiB of the file; where it is empty and the policy says so, the end of the log of a failed container. */
async function terminationMessage(status: CriContainerStatus): Promise<string> {
  const path = status.annotations[annotations.terminationMessagePath];
  const message = path ? await head(path, 4096) : '';
  if (message !== '' || status.exitCode === 0) return message;
  if (status.annotations[annotations.terminationMessagePolicy] !== 'FallbackToLogsOnError') return '';
  const text = status.logPath ? await tail(status.logPath, 65_536) : '';
  const lines = text
    .split('\n')
    .slice(-81)
    .map((line) => line.replace(/^\S+ (stdout|stderr) [FP] ?/, ''));
  return lines.join('\n').slice(-2048);
}

async function head(path: string, length: number): Promise<string> {
  return readAt(path, () => 0, length);
}

async function tail(path: string, length: number): Promise<string> {
  return readAt(path, (size) => Math.max(0, size - length), length);
}

async function readAt(path: string, position: (size: number) => number, length: number): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position(size));
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
