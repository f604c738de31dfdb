// The control plane of a cluster of this machine: `portico server` as a process of its own.
import { existsSync } from 'node:fs';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Files } from '../system/files.ts';
import { adminClient } from './admin-client.ts';
import { defaultClusterDomain } from './cluster-settings.ts';
import { Failure } from './failure.ts';
import { selfCommand } from './launch.ts';
import { type ClusterPaths, type ClusterRecord, networkLayout, rangesOf } from './layout.ts';
import { lastLine } from './log-tail.ts';
import { startDetached } from './processes.ts';

/** Returns the process id. The server is not ready yet: see `untilServerReady`. */
export async function startServer(record: ClusterRecord, paths: ClusterPaths): Promise<number> {
  return startDetached({
    command: selfCommand(serverArguments(record, paths)),
    cluster: record.name,
    part: 'server',
    log: paths.log('server'),
  });
}

/** The words after the program's own in the command of a cluster's server. */
export function serverArguments(record: ClusterRecord, paths: ClusterPaths): string[] {
  const { v4, v6 } = networkLayout(record);
  const { podCIDRs, serviceCIDRs } = rangesOf(record);
  return [
    'server',
    ...['--data-dir', paths.server],
    ...['--listen', `127.0.0.1:${record.apiPort}`],
    ...['--listen', `${v4.host}:${record.apiPort}`],
    // Pods whose Services have IPv6 addresses reach the Service kubernetes by it.
    ...(serviceCIDRs.split(',')[0]?.includes(':') ? ['--listen', `[${v6.host}]:${record.apiPort}`] : []),
    ...['--cluster-cidr', podCIDRs],
    ...['--service-cluster-ip-range', serviceCIDRs],
    ...['--cluster-domain', record.clusterDomain ?? defaultClusterDomain],
    ...['--kubeconfig-out', paths.kubeconfig],
    ...['--cluster-name', record.name],
    ...['--hollow-nodes', String(record.hollowNodes ?? 0)],
  ];
}

/** A second is enough where the machine has time; a busy one takes longer. */
const timeout = 120_000;

export interface UntilServerReadyOptions {
  readonly paths: ClusterPaths;
  readonly clock: Clock;
  readonly files: Files;
  readonly signal: AbortSignal;
  /** The process that was started for it; its end is a failure. Undefined when the server ran already. */
  readonly pid: number | undefined;
}

/** Waits until the API server answers `/readyz` with 200. */
export async function untilServerReady({ paths, clock, files, signal, pid }: UntilServerReadyOptions): Promise<void> {
  const end = clock.monotonic() + timeout;
  let complaint = 'it does not answer';
  let client: Client | undefined;
  for (;;) {
    if (existsSync(paths.kubeconfig)) {
      try {
        client ??= await adminClient(paths.kubeconfig, { files, clock });
        const { status } = await client.raw({ method: 'GET', path: '/readyz', signal });
        if (status === 200) return;
        complaint = `/readyz answers ${status}`;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        complaint = errorMessage(error);
        client = undefined; // a new server may have another certificate authority
      }
    }
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      throw new Failure(`the control plane ended: ${await lastLine(paths.log('server'))} (${paths.log('server')})`);
    }
    if (clock.monotonic() > end) {
      throw new Failure(
        `the control plane is not ready after ${timeout / 1000} s: ${complaint} (${paths.log('server')})`,
      );
    }
    await clock.sleep(20, signal);
  }
}
