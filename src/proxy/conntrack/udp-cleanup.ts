// Ends stale UDP flows with the `conntrack` program.

import type { IPFamily } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';
import { canonicalIP } from '../address.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { PortChange } from '../proxier.ts';
import { type Flow, parseFlows, staleFlows, type UdpPort, udpPortOf } from './stale-flows.ts';

function texts(plan: ServicePortPlan | undefined): string | undefined {
  return plan && JSON.stringify(udpPortOf(plan));
}

export interface UdpCleanup {
  readonly changes: readonly PortChange[];
  /** All plans in force. */
  readonly plans: Iterable<ServicePortPlan>;
  /** The node's own, of both families. */
  readonly nodeAddresses: readonly string[];
  /** Called for each family that was looked through. */
  readonly onReconciled?: (family: IPFamily, result: { readonly ended: number }) => void;
}

/** After a sync: ends the UDP flows that its changes made stale. */
export async function cleanUdpFlows(exec: Exec, cleanup: UdpCleanup): Promise<void> {
  const { changes, plans, nodeAddresses, onReconciled } = cleanup;
  const udp = changes.filter((change) => (change.before ?? change.after)?.servicePort.protocol === 'udp');
  const relevant = udp.filter(({ before, after }) => texts(before) !== texts(after));
  if (relevant.length === 0) return;
  const gone = relevant.flatMap(({ before }) => (before ? [udpPortOf(before)!] : []));
  const ports: UdpPort[] = [];
  for (const plan of plans) {
    const port = udpPortOf(plan);
    if (port) ports.push(port);
  }
  for (const family of new Set(relevant.map((change) => change.family))) {
    const flows = await listFlows(exec, family);
    const kinds = new Map(
      staleFlows(flows, { ports, gone, nodeAddresses }).map((flow) => [JSON.stringify(flow), flow] as const),
    );
    let ended = 0;
    for (const flow of kinds.values()) ended += await endFlows(exec, family, flow);
    onReconciled?.(family, { ended });
  }
}

async function listFlows(exec: Exec, family: IPFamily): Promise<Flow[]> {
  const { code, stdout, stderr } = await exec.run(['conntrack', '-L', '-p', 'udp', '-f', family.toLowerCase()]);
  if (code !== 0) throw new Error(`conntrack: ${stderr.trim().split('\n')[0]}`);
  return parseFlows(stdout).map((flow) => ({
    ...flow,
    destination: canonicalIP(flow.destination),
    replySource: canonicalIP(flow.replySource),
  }));
}

/** Ends all flows of a kind, whoever their clients are. Returns how many there were. */
async function endFlows(exec: Exec, family: IPFamily, flow: Flow): Promise<number> {
  const original = ['--orig-dst', flow.destination, '--orig-port-dst', String(flow.destinationPort)];
  const reply = ['--reply-src', flow.replySource, '--reply-port-src', String(flow.replySourcePort)];
  // Code 1 means that nothing was left to delete, which is as good.
  const { stderr } = await exec.run([
    'conntrack',
    '-D',
    '-p',
    'udp',
    '-f',
    family.toLowerCase(),
    ...original,
    ...reply,
  ]);
  return Number(/ (\d+) flow entries have been deleted/.exec(stderr)?.[1] ?? 0);
}
