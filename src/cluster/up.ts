// Brings a cluster of this machine up, from whatever is there: nothing, all of it, or what a crash left.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '../api/core/v1/types.generated.ts';
import { nodes as nodesResource } from '../client/resources.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';
import type { Random } from '../system/random.ts';
import { adminClient } from './admin-client.ts';
import { claimIndex } from './claims.ts';
import { ensureClusterAddons } from './cluster-addons.ts';
import { defaultClusterDomain } from './cluster-settings.ts';
import { serverArguments, startServer, untilServerReady } from './control-plane.ts';
import { defaultPool } from './default-pool.ts';
import { down } from './down.ts';
import { Failure } from './failure.ts';
import { makeHostNetwork, setEgress } from './host-network.ts';
import { builtInArchive } from './images/built-in.ts';
import { joinToken } from './join-token.ts';
import {
  type ClusterPaths,
  type ClusterRecord,
  cgroupName,
  clusterPaths,
  dataVersion,
  firstAPIPort,
  networkLayout,
  nftTable,
  rangesOf,
} from './layout.ts';
import { warnOfLeftRules } from './left-rules.ts';
import { lastLine } from './log-tail.ts';
import { machineNameServers } from './machine-name-servers.ts';
import { type RunningNode, startNode } from './node.ts';
import { isReadySince } from './node-ready.ts';
import { requireDataOf, requireDataOfRunning } from './own-data.ts';
import { requireFreePort, requirePrograms } from './preflight.ts';
import { type ClusterProcess, clusterProcesses, endUnless, findPart, insiderOf } from './processes.ts';
import type { Progress } from './progress.ts';
import { judgeRanges, podRangeFlag, readPodRanges, serviceRangeFlag, serviceRangesFor } from './ranges.ts';
import { readRecord, writeRecord } from './record.ts';

/** What the user may ask for; what is absent is as the cluster had it before, or the default. */
export interface UpRequest {
  readonly name: string;
  readonly dataDir: string;
  readonly nodes?: number | undefined;
  readonly proxyMode?: string | undefined;
  readonly podNetwork?: string | undefined;
  /** Chosen when the cluster is made; pods and Services keep their addresses. */
  readonly podCIDRs?: string | undefined;
  readonly serviceCIDRs?: string | undefined;
  /** Likewise: pods keep the names that they look for. */
  readonly clusterDomain?: string | undefined;
  readonly hollowNodes?: number | undefined;
  readonly egress?: boolean | undefined;
  readonly dnsUpstreams?: readonly string[] | undefined;
  readonly dnsStubs?: readonly string[] | undefined;
  readonly apiPort?: number | undefined;
}

export interface Tools {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly files: Files;
  readonly random: Random;
}

export interface UpResult {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  readonly client: Client;
  /** Whether anything had to be started. */
  readonly changed: boolean;
}

/**
 * Starts what is missing of a cluster and waits until its nodes are Ready. Rejects with a Failure of one line, or with the
 * signal's reason; what was started is ended then.
 */
export async function up(request: UpRequest, tools: Tools, progress: Progress, signal: AbortSignal): Promise<UpResult> {
  const paths = clusterPaths(request.name, request.dataDir);
  const { cniBinDir } = requirePrograms(process.env.PATH ?? '');
  const before = await readRecord(tools.files, paths);
  requireDataOf(before, request);
  const processes = clusterProcesses(request.name, cgroupName(request.name));
  if (processes.length > 0) {
    await requireDataOfRunning(tools.files, request, `bring it down before it starts from ${request.dataDir}`);
  }
  const isNew = processes.length === 0 && !existsSync(paths.run);
  const hadData = existsSync(paths.data);
  const record = await settle(request, { before, processes, clock: tools.clock });
  const started: number[] = [];
  try {
    const changed = await bringUp({ record, paths, tools, progress, signal, cniBinDir, processes, started });
    return { ...changed, record, paths };
  } catch (error) {
    // Nothing half done: what this run made goes, what ran before it stays.
    if (isNew) {
      await down({ ...tools, name: request.name, paths, purge: false });
      if (!hadData) await rm(paths.data, { recursive: true, force: true });
    } else {
      for (const pid of started) endQuietly(pid);
    }
    throw error;
  }
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

interface Found {
  readonly before: ClusterRecord | undefined;
  readonly processes: readonly ClusterProcess[];
  readonly clock: Clock;
}

/** The cluster's record from what is asked for, what it was and what is free on the machine. */
async function settle(request: UpRequest, { before, processes, clock }: Found): Promise<ClusterRecord> {
  const running = findPart(processes, 'server') !== undefined;
  const nodes = request.nodes ?? before?.nodes ?? 3;
  if (processes.length > 0 && before && nodes < before.nodes) {
    throw new Failure(
      `the cluster ${request.name} runs with ${before.nodes} nodes; bring it down before it gets fewer`,
    );
  }
  if (running && before && request.apiPort !== undefined && request.apiPort !== before.apiPort) {
    throw new Failure(
      `the API server of ${request.name} runs on port ${before.apiPort}; bring it down before it moves`,
    );
  }
  const preferredPort = request.apiPort ?? before?.apiPort;
  if (!running && preferredPort !== undefined) await requireFreePort(preferredPort);
  const index = await claimIndex(request.name, before?.index, clock);
  const apiPort = preferredPort ?? firstAPIPort + index;
  if (!running && preferredPort === undefined) await requireFreePort(apiPort);
  return {
    version: dataVersion,
    name: request.name,
    index,
    nodes,
    apiPort,
    proxyMode: request.proxyMode ?? before?.proxyMode ?? 'nftables',
    podNetwork: request.podNetwork ?? before?.podNetwork ?? 'auto',
    ...ranges(request, before, { nodes, index }),
    clusterDomain: domain(request, before),
    hollowNodes: request.hollowNodes ?? before?.hollowNodes ?? 0,
    egress: request.egress ?? before?.egress ?? true,
    ...dnsServers(request, before),
    dataDir: request.dataDir,
  };
}

/** A cluster that is there keeps the ranges that its objects have addresses of. */
function ranges(
  request: UpRequest,
  before: ClusterRecord | undefined,
  { nodes, index }: Pick<ClusterRecord, 'nodes' | 'index'>,
): ReturnType<typeof rangesOf> {
  if (before) return keptRanges(request, rangesOf(before), nodes);
  const { podCIDRs, serviceCIDRs } = rangesOf(request);
  const wanted = { podCIDRs, serviceCIDRs: request.serviceCIDRs ?? serviceRangesFor(podCIDRs, serviceCIDRs) };
  const { v4, v6 } = networkLayout({ name: request.name, index, nodes });
  judgeRanges({ ...wanted, nodes, nodeSubnets: [v4.subnet, v6.subnet] });
  return wanted;
}

function keptRanges(request: UpRequest, had: ReturnType<typeof rangesOf>, nodes: number): ReturnType<typeof rangesOf> {
  for (const [flag, wanted, has] of [
    [podRangeFlag, request.podCIDRs, had.podCIDRs],
    [serviceRangeFlag, request.serviceCIDRs, had.serviceCIDRs],
  ] as const) {
    if (wanted !== undefined && wanted !== has) throw cannotChange(request.name, flag, has);
  }
  readPodRanges(had.podCIDRs, nodes);
  return had;
}

function domain({ name, clusterDomain: wanted }: UpRequest, before: ClusterRecord | undefined): string {
  if (!before) return wanted ?? defaultClusterDomain;
  const { clusterDomain: has = defaultClusterDomain } = before;
  if (wanted !== undefined && wanted !== has) throw cannotChange(name, '--cluster-domain', has);
  return has;
}

function cannotChange(name: string, flag: string, has: string): Failure {
  return new Failure(
    `the cluster ${name} has ${flag} ${has}; remove it with its data (down --purge) before it gets another`,
  );
}

interface Work {
  readonly record: ClusterRecord;
  readonly paths: ClusterPaths;
  readonly tools: Tools;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly cniBinDir: string;
  readonly processes: readonly ClusterProcess[];
  /** Processes that this run starts. */
  readonly started: number[];
}

async function bringUp(work: Work): Promise<{ client: Client; changed: boolean }> {
  const { record, paths, tools, progress, signal, processes, started } = work;
  const network = networkLayout(record);
  const holders = new Map(
    network.nodes.flatMap(({ name, namespace }) => {
      const insider = insiderOf(processes, name);
      return insider ? [[namespace, insider.pid] as const] : [];
    }),
  );
  await writeRecord(tools.files, record);
  await progress.phase(
    'network',
    async () => {
      const options = { table: nftTable(record.name), layout: network, egress: record.egress, runDir: paths.run };
      const [warning] = await Promise.all([
        warnOfLeftRules(tools.exec, options.table),
        makeHostNetwork(tools.exec, network, holders),
        setEgress(tools.exec, options),
      ]);
      if (warning) progress.note(warning);
    },
    () =>
      `bridge ${network.bridge} ${network.v4.subnet}, ${record.nodes} namespaces${record.egress ? '' : ', no way out'}`,
  );
  // An authority that its owner removed, for the server to make another, leaves certificates of nodes that nobody knows.
  if (!existsSync(join(paths.server, 'pki/ca.crt'))) {
    for (const { name } of network.nodes) await tools.files.remove(join(paths.node(name).agentRoot, 'pki'));
  }
  const archive = await builtInArchive({ ...tools, folder: paths.images });
  const upstreams = record.dnsUpstreams ?? (record.egress ? await machineNameServers() : []);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const ready = serverReady(work, stop);
  const nodes = network.nodes.map((node) =>
    startNode({
      record,
      network,
      node,
      paths,
      archive,
      upstreams,
      ...tools,
      processes,
      started,
      cniBinDir: work.cniBinDir,
      signal: stop,
    }),
  );
  const running = progress.phase('containers', () => Promise.all(nodes), describeNodes);
  try {
    const [client, runningNodes] = await Promise.all([ready, running]);
    await progress.phase(
      'nodes ready',
      () => untilNodesReady(client, runningNodes, tools.clock, stop),
      (n) => `${n} of ${n}`,
    );
    return { client, changed: started.length > 0 };
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled([ready, running, ...nodes]);
    throw signal.aborted ? signal.reason : error;
  }
}

function describeNodes(nodes: readonly RunningNode[]): string {
  const fresh = nodes.filter((n) => n.changed).length;
  const counted = (count: number) => `${count} ${count === 1 ? 'node' : 'nodes'}`;
  return fresh === 0
    ? `${counted(nodes.length)} run already`
    : `containerd and agent on ${counted(fresh)}, images imported`;
}

/** Starts the control plane unless it runs, and hands agents the token to join with. */
async function serverReady(
  { record, paths, tools, progress, processes, started }: Work,
  signal: AbortSignal,
): Promise<Client> {
  const words = serverArguments(record, paths);
  const isRunning = (await endUnless(findPart(processes, 'server')?.pid, words, tools.clock)) !== undefined;
  const client = await progress.phase(
    'control plane',
    async () => {
      const pid = isRunning ? undefined : await startServer(record, paths);
      if (pid !== undefined) started.push(pid);
      await untilServerReady({ paths, clock: tools.clock, files: tools.files, signal, pid });
      return adminClient(paths.kubeconfig, tools);
    },
    () => `https://127.0.0.1:${record.apiPort}${isRunning ? ', runs already' : ''}`,
  );
  await ensureClusterAddons(client);
  await tools.files.write(`${paths.run}/token`, await joinToken(client, paths, tools), { mode: 0o600 });
  await defaultPool(client, networkLayout(record), { clock: tools.clock, signal });
  return client;
}

const nodesTimeout = 300_000;

async function untilNodesReady(
  client: Client,
  running: readonly RunningNode[],
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const nodes = client.resource<Node>(nodesResource);
  const end = clock.monotonic() + nodesTimeout;
  for (;;) {
    const { items } = await nodes.list();
    const missing = running.filter(
      ({ name, agentSince }) => !items.some((n) => n.metadata.name === name && isReadySince(n, agentSince)),
    );
    if (missing.length === 0) return running.length;
    const ended = missing.find(({ agentPid }) => !existsSync(`/proc/${agentPid}`));
    if (ended) throw new Failure(`the agent of ${ended.name} ended: ${await lastWord(ended)}`);
    if (clock.monotonic() > end) {
      const words = await Promise.all(missing.map(async (node) => `${node.name}: ${await lastWord(node)}`));
      throw new Failure(`not ready after ${nodesTimeout / 1000} s: ${words.join('; ')}`);
    }
    await clock.sleep(25, signal);
  }
}

async function lastWord({ agentLog }: RunningNode): Promise<string> {
  return `${await lastLine(agentLog)} (${agentLog})`;
}

/** Those of the last time, unless others are given. */
function dnsServers(request: UpRequest, before: ClusterRecord | undefined) {
  const dnsUpstreams = request.dnsUpstreams ?? before?.dnsUpstreams;
  const dnsStubs = request.dnsStubs ?? before?.dnsStubs;
  return { ...(dnsUpstreams && { dnsUpstreams }), ...(dnsStubs && { dnsStubs }) };
}
