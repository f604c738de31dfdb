// One node of a cluster of this machine: its holder, its containerd with Portico's images, and its agent.
import { existsSync } from 'node:fs';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import { Failure } from './failure.ts';
import { pauseImage } from './images/built-in.ts';
import { importImages, missingImages } from './images/import.ts';
import { selfCommand, smallMallocEnvironment } from './launch.ts';
import { type ClusterPaths, type ClusterRecord, cgroupName, type NetworkLayout, type NodeLayout } from './layout.ts';
import { lastLine } from './log-tail.ts';
import {
  containerdConfig,
  insideNode,
  restoreNode,
  startHolder,
  untilSocketAnswers,
  writeContainerdConfig,
} from './node-runtime.ts';
import { type ClusterProcess, endUnless, findPart, insiderOf, startDetached } from './processes.ts';

export interface StartNodeOptions {
  readonly record: ClusterRecord;
  readonly network: NetworkLayout;
  readonly node: NodeLayout;
  readonly paths: ClusterPaths;
  /** Portico's own images. */
  readonly archive: string;
  /** Name servers for names outside of the cluster. */
  readonly upstreams: readonly string[];
  readonly exec: Exec;
  readonly clock: Clock;
  readonly processes: readonly ClusterProcess[];
  /** Takes the ids of the processes that are started. */
  readonly started: number[];
  readonly cniBinDir: string;
  readonly signal: AbortSignal;
}

export interface RunningNode {
  readonly name: string;
  /** Whether anything had to be started. */
  readonly changed: boolean;
  /** When its agent was started, ms since 1970; 0 when it ran already. What the node said before is of another agent. */
  readonly agentSince: number;
  readonly agentPid: number | undefined;
  readonly agentLog: string;
}

/** Starts what is missing of the node. Resolves when containerd answers and has the images; the agent may still be on its way. */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
  const { node, paths, processes, record, started, clock, signal, network } = options;
  let changed = false;
  const note = (pid: number): void => {
    started.push(pid);
    changed = true;
  };
  const find = (part: string): number | undefined => findPart(processes, part, node.name)?.pid;
  const nodePaths = paths.node(node.name);
  let holder = find('node');
  if (holder === undefined) {
    const inside = insiderOf(processes, node.name)?.pid;
    holder = await startHolder({ cluster: record.name, network, node, paths: nodePaths, inside });
    note(holder);
  } else await restoreNode(options.exec, holder, { network, node, paths: nodePaths });
  const part = async (
    name: string,
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<number> => {
    const pid = await startDetached({
      command: insideNode(holder, command),
      cluster: record.name,
      node: node.name,
      part: name,
      env,
      log: nodePaths.log(name),
    });
    note(pid);
    return pid;
  };
  const config = containerdConfig(nodePaths, {
    sandboxImage: pauseImage,
    cniBinDir: options.cniBinDir,
    cniConfDir: `${nodePaths.run}/cni`,
  });
  await writeContainerdConfig(nodePaths, config);
  const containerd = find('containerd')
    ? undefined
    : await part('containerd', ['containerd', '--config', nodePaths.containerdConfig]);
  const words = agentArguments(options);
  const agent = await endUnless(find('agent'), words, clock);
  const agentSince = agent === undefined ? clock.now() : 0;
  const agentPid = agent ?? (await part('agent', selfCommand(words), smallMallocEnvironment));
  try {
    await untilSocketAnswers(nodePaths.containerdSocket, { clock, timeout: 120_000, signal });
  } catch (error) {
    if (signal.aborted || containerd === undefined || existsSync(`/proc/${containerd}`)) throw error;
    throw new Failure(`containerd of ${node.name} ended: ${await lastLine(nodePaths.log('containerd'))}`, {
      cause: error,
    });
  }
  if ((await missingImages(options.exec, nodePaths)).length > 0)
    await importImages(options.exec, nodePaths, options.archive);
  return {
    name: node.name,
    changed,
    agentSince,
    agentPid,
    agentLog: nodePaths.log('agent'),
  };
}

function agentArguments({ record, node, paths, network, upstreams, cniBinDir }: StartNodeOptions): string[] {
  const nodePaths = paths.node(node.name);
  return [
    'agent',
    ...['--server', `https://${network.v4.host}:${record.apiPort}`],
    ...['--token-file', `${paths.run}/token`],
    ...['--node-name', node.name],
    ...['--node-ip', node.addresses.join(',')],
    ...['--containerd', nodePaths.containerdSocket],
    ...['--root-dir', nodePaths.agentRoot],
    ...['--cni-bin-dir', cniBinDir],
    ...['--cni-conf-dir', `${nodePaths.run}/cni`],
    // Not by the path that is a mount: who loses that must not give an address twice.
    ...['--ipam-dir', `${nodePaths.data}/cni/networks`],
    ...['--cgroup-root', `/${cgroupName(record.name)}/${node.name}`],
    ...['--proxy-mode', record.proxyMode],
    ...['--pod-network', record.podNetwork ?? 'auto'],
    ...upstreams.flatMap((server) => ['--upstream', server]),
    ...(record.dnsStubs ?? []).flatMap((stub) => ['--stub', stub]),
  ];
}
