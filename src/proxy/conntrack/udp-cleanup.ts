// Ends stale UDP flows with the `conntrack` program.
import type { Exec } from '../../system/exec.ts';
import { canonicalIP } from '../address.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { PortChange } from '../proxier.ts';
import { parseFlows, staleFlows, type UdpPort, udpPortOf } from './stale-flows.ts';

function endpointsDiffer(change: PortChange): boolean {
  const texts = (plan: ServicePortPlan | undefined) => plan && JSON.stringify(udpPortOf(plan)?.serving);
  return texts(change.before) !== texts(change.after);
}

/** After a sync: ends the UDP flows that its changes made stale. Returns how many kinds of flow were ended. */
export async function cleanUdpFlows(
  exec: Exec,
  changes: readonly PortChange[],
  plans: Iterable<ServicePortPlan>,
): Promise<number> {
  const udp = changes.filter((change) => (change.before ?? change.after)?.servicePort.protocol === 'udp');
  const relevant = udp.filter(endpointsDiffer);
  if (relevant.length === 0) return 0;
  const gone = relevant.flatMap(({ before, after }) => (before && !after ? [udpPortOf(before)!] : []));
  const ports: UdpPort[] = [];
  for (const plan of plans) {
    const port = udpPortOf(plan);
    if (port) ports.push(port);
  }
  let ended = 0;
  for (const family of new Set(relevant.map((change) => change.family))) {
    const { code, stdout, stderr } = await exec.run(['conntrack', '-L', '-p', 'udp', '-f', family.toLowerCase()]);
    if (code !== 0) throw new Error(`conntrack: ${stderr.trim().split('\n')[0]}`);
    const flows = parseFlows(stdout).map((flow) => ({
      ...flow,
      destination: canonicalIP(flow.destination),
      replySource: canonicalIP(flow.replySource),
    }));
    const kinds = new Map(staleFlows(flows, ports, gone).map((flow) => [JSON.stringify(flow), flow]));
    for (const flow of kinds.values()) {
      // Code 1 means that nothing was left to delete, which is as good.
      await exec.run([
        'conntrack',
        '-D',
        '-p',
        'udp',
        '-f',
        family.toLowerCase(),
        '--orig-dst',
        flow.destination,
        '--orig-port-dst',
        String(flow.destinationPort),
        '--reply-src',
        flow.replySource,
        '--reply-port-src',
        String(flow.replySourcePort),
      ]);
      ended += 1;
    }
  }
  return ended;
}
