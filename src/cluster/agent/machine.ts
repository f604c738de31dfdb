// What a machine of its own needs beside the agent: a containerd with Portico's images, and a kernel that shows bridged
// packets to the rules. `portico up` sees to the same for its nodes (src/cluster/node.ts).
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Files } from '../../system/files.ts';
import { Failure } from '../failure.ts';
import { builtInArchive, pauseImage } from '../images/built-in.ts';
import { importImages, missingImages } from '../images/import.ts';
import type { NodePaths } from '../layout.ts';
import { lastLine } from '../log-tail.ts';
import { containerdConfig, untilSocketAnswers, writeContainerdConfig } from '../node-runtime.ts';
import { startDetached } from '../processes.ts';

export interface Machine {
  readonly nodeName: string;
  /** What is kept: images, containers, logs. */
  readonly rootDir: string;
  /** What ends with the machine's uptime: sockets, and CNI's configuration. */
  readonly runDir: string;
  readonly cniBinDir: string;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: (message: string) => void;
}

/** The mark of processes that belong to no cluster of this machine. */
const cluster = 'agent';
const startTimeout = 120_000;
/** Milliseconds between two looks at whether containerd still answers. */
const watchInterval = 5000;
const answerTimeout = 2000;

/** Where a machine keeps what its containerd needs. */
export function machinePaths({ rootDir, runDir }: Pick<Machine, 'rootDir' | 'runDir'>): NodePaths {
  return {
    data: rootDir,
    run: runDir,
    containerdConfig: join(runDir, 'containerd.toml'),
    containerdRoot: join(rootDir, 'containerd'),
    containerdState: join(runDir, 'containerd'),
    containerdSocket: join(runDir, 'containerd.sock'),
    agentRoot: rootDir,
    registries: '/etc/containerd/certs.d',
    log: (part) => join(rootDir, 'logs', `${part}.log`),
  };
}

/**
 * Resolves when a containerd answers and has the images. It is a process of its own and stays when the agent ends, as its
 * pods do; the next agent finds it.
 */
export async function prepareMachine(machine: Machine, signal: AbortSignal): Promise<void> {
  const { exec, files } = machine;
  const paths = machinePaths(machine);
  await showBridgedPackets(exec);
  await seeToContainerd(machine, signal);
  if ((await missingImages(exec, paths)).length === 0) return;
  await importImages(exec, paths, await builtInArchive({ exec, files, folder: join(paths.data, 'images') }));
}

/** Starts containerd again whenever it does not answer, until the signal aborts. */
export async function keepContainerd(machine: Machine, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await machine.clock.sleep(watchInterval, signal).catch(() => {});
    if (signal.aborted) return;
    await seeToContainerd(machine, signal).catch((error: unknown) => {
      if (!signal.aborted) machine.log(errorMessage(error));
    });
  }
}

async function seeToContainerd(machine: Machine, signal: AbortSignal): Promise<void> {
  const { clock, log, nodeName, cniBinDir } = machine;
  const paths = machinePaths(machine);
  const socket = paths.containerdSocket;
  const isThere = existsSync(socket) && (await answers(socket, { clock, timeout: answerTimeout, signal }));
  if (isThere) return;
  const cniConfDir = cniConfDirOf(machine);
  await writeContainerdConfig(paths, containerdConfig(paths, { sandboxImage: pauseImage, cniBinDir, cniConfDir }));
  const command = ['containerd', '--config', paths.containerdConfig];
  const pid = await startDetached({
    command,
    cluster,
    node: nodeName,
    part: 'containerd',
    log: paths.log('containerd'),
  });
  log(`containerd runs as process ${pid}, its log is ${paths.log('containerd')}`);
  if (await answers(socket, { clock, timeout: startTimeout, signal })) return;
  signal.throwIfAborted();
  throw new Failure(`containerd does not answer: ${await lastLine(paths.log('containerd'))}`);
}

export const cniConfDirOf = ({ runDir }: Pick<Machine, 'runDir'>): string => join(runDir, 'cni');

function answers(socket: string, options: Parameters<typeof untilSocketAnswers>[1]): Promise<boolean> {
  return untilSocketAnswers(socket, options).then(
    () => true,
    () => false,
  );
}

/** Replies between pods of one bridge must pass the rules by which their addresses were changed. */
async function showBridgedPackets(exec: Exec): Promise<void> {
  await exec.run(['modprobe', 'br_netfilter']).catch(() => undefined); // part of the kernel, or of none
  for (const family of ['iptables', 'ip6tables']) {
    await writeFile(`/proc/sys/net/bridge/bridge-nf-call-${family}`, '1').catch(() => {});
  }
}
