// What networks carried, the machine's and pods': the kernel tells it to the processes that are in them.
import { readFile } from 'node:fs/promises';

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

/** `/proc/net/dev` as the first of these processes has it; empty where there is none, or it has gone. */
export async function networkDevices([pid]: readonly (number | 'self')[]): Promise<string> {
  return pid ? readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '') : '';
}

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
