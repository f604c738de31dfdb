// What networks carried: the machine's own from /proc/net/dev, pods' as the runtime tells it. Pure.
import type { PodSandboxStats } from '../cri/messages.ts';

/** Counters since the interface is there. */
export interface InterfaceUsage {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

export interface NetworkUsage {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly interfaces: readonly InterfaceUsage[];
}

/** Ends of pods' and other containers' links, as cAdvisor leaves them out. */
const ignored = /^(lo|veth|docker)/;

/** What the kernel tells beside. */
export interface InterfaceCounters extends InterfaceUsage {
  readonly rxPackets: number;
  readonly rxDropped: number;
  readonly txPackets: number;
  readonly txDropped: number;
}

/** Reads `/proc/net/dev`. */
export function parseCounters(text: string): InterfaceCounters[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', numbers = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === '' || ignored.test(name)) return [];
    const counts = numbers.trim().split(/\s+/).map(Number);
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = counts;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = counts.slice(8);
    return [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

/** The same without packets. */
export function parseInterfaces(text: string): InterfaceUsage[] {
  return parseCounters(text).map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
}

/** Undefined for a pod on the node's network, of which the runtime tells nothing. */
export function podNetwork({ linux }: PodSandboxStats): NetworkUsage | undefined {
  const { timestamp = 0, defaultInterface, interfaces = [] } = linux?.network ?? {};
  const all = defaultInterface ? [defaultInterface, ...interfaces] : interfaces;
  if (all.length === 0) return undefined;
  return {
    at: timestamp / 1e6,
    interfaces: all.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
      name,
      rxBytes: rxBytes?.value ?? 0,
      rxErrors: rxErrors?.value ?? 0,
      txBytes: txBytes?.value ?? 0,
      txErrors: txErrors?.value ?? 0,
    })),
  };
}
