// What the rules of the iptables mode take from the kernel that they are for. Upstream looks at the same when it starts.
import type { Exec } from '../../system/exec.ts';

/** Counters of packets that outlive the rules which fill them (nfacct objects), under kube-proxy's names. */
export const packetCounters = {
  invalidDropped: 'ct_state_invalid_dropped_pkts',
  localhostNodePorts: 'localhost_nps_accepted_pkts',
} as const;

export type PacketCounter = (typeof packetCounters)[keyof typeof packetCounters];

const names: readonly PacketCounter[] = Object.values(packetCounters);

export interface KernelFacts {
  /** Those counters that are there for rules to fill. */
  readonly counters: readonly PacketCounter[];
  /** Whether conntrack calls no TCP packet invalid (nf_conntrack_tcp_be_liberal), so that none needs to be dropped. */
  readonly tcpLiberal: boolean;
}

/** Of a kernel that nobody asked. */
export const plainKernel: KernelFacts = { counters: [], tcpLiberal: false };

/** Whether the program succeeded; one that is missing did not. */
async function succeeds(exec: Exec, command: readonly string[]): Promise<boolean> {
  try {
    return (await exec.run(command)).code === 0;
  } catch {
    return false;
  }
}

/** Makes the counters that are missing; without nfacct, or a kernel that has it, there are none. */
async function ensureCounters(exec: Exec): Promise<readonly PacketCounter[]> {
  const present: PacketCounter[] = [];
  for (const name of names) {
    const found = await succeeds(exec, ['nfacct', 'get', name]);
    if (found || (await succeeds(exec, ['nfacct', 'add', name]))) present.push(name);
  }
  return present;
}

async function isTcpLiberal(exec: Exec): Promise<boolean> {
  try {
    const { code, stdout } = await exec.run(['sysctl', '-n', 'net.netfilter.nf_conntrack_tcp_be_liberal']);
    return code === 0 && stdout.trim() !== '0';
  } catch {
    return false;
  }
}

export async function kernelFacts(exec: Exec): Promise<KernelFacts> {
  return { counters: await ensureCounters(exec), tcpLiberal: await isTcpLiberal(exec) };
}

/** How many packets each counter has seen; nothing of those that are not there. */
export async function countedPackets(exec: Exec): Promise<ReadonlyMap<PacketCounter, number>> {
  const counted = new Map<PacketCounter, number>();
  try {
    const { stdout } = await exec.run(['nfacct', 'list']);
    for (const [, packets, name] of stdout.matchAll(/pkts = (\d+),.*\} = (\S+);/g)) {
      const known = names.find((counter) => counter === name);
      if (known) counted.set(known, Number(packets));
    }
  } catch {
    // Without the program nothing is counted.
  }
  return counted;
}

/** Rejects where the program is missing. Counters that a rule still fills stay. */
export async function removeCounters(exec: Exec): Promise<void> {
  for (const name of names) await exec.run(['nfacct', 'del', name]);
}
