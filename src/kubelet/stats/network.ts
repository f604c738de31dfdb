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

/** Reads `/proc/net/dev`. */
export function parseInterfaces(text: string): InterfaceUsage[] {
  return text.split('\n').flatMap((line) => {
    const [, name = '', numbers = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === '' || ignored.test(name)) return [];
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = numbers
      .trim()
      .split(/\s+/)
      .map(Number);
    return [{ name, rxBytes, rxErrors, txBytes, txErrors }];
  });
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
