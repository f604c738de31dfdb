// The flags of `portico agent` that are the kubelet's, spelled as upstream's: eviction, images, logs.
import type { Command } from 'commander';
import type { Signal, Threshold } from '../kubelet/eviction/thresholds.ts';
import type { HousekeepingSettings } from '../kubelet/housekeeping.ts';
import { parseDuration, usage } from './flag-values.ts';

export interface KubeletFlags {
  readonly evictionHard: string;
  readonly evictionSoft: string;
  readonly evictionSoftGracePeriod: string;
  readonly evictionMaxPodGracePeriod: string;
  readonly evictionMinimumReclaim: string;
  readonly evictionPressureTransitionPeriod: string;
  readonly imageGcHighThreshold: string;
  readonly imageGcLowThreshold: string;
  readonly containerLogMaxSize: string;
  readonly containerLogMaxFiles: string;
  readonly allowedUnsafeSysctls: string;
}

export function addKubeletFlags(command: Command): Command {
  return command
    .option(
      '--eviction-hard <thresholds>',
      'pods are evicted when less is left than this; empty for never',
      'memory.available<100Mi,nodefs.available<500Mi,nodefs.inodesFree<1%',
    )
    .option(
      '--eviction-soft <thresholds>',
      'pods are evicted when less is left than this for longer than the grace period',
      '',
    )
    .option('--eviction-soft-grace-period <durations>', 'of each soft threshold, as memory.available=1m30s', '')
    .option('--eviction-max-pod-grace-period <seconds>', 'that a pod has to end for a soft threshold; 0: its own', '0')
    .option(
      '--eviction-minimum-reclaim <amounts>',
      'beyond a threshold before evicting ends: nodefs.available=500Mi',
      '',
    )
    .option(
      '--eviction-pressure-transition-period <duration>',
      'how long a node is said to be under pressure after it is over',
      '5m0s',
    )
    .option('--image-gc-high-threshold <percent>', 'above this use of the disk unused images are removed', '85')
    .option('--image-gc-low-threshold <percent>', 'down to this use of the disk', '80')
    .option('--container-log-max-size <size>', "a container's log is rotated beyond this size", '10Mi')
    .option('--container-log-max-files <count>', 'files that are kept of a log, at least 2', '5')
    .option('--allowed-unsafe-sysctls <names>', 'kernel settings that pods may make beside the safe ones', '');
}

/** Throws a usage error that names the flag. */
export async function housekeepingOf(flags: KubeletFlags): Promise<Partial<HousekeepingSettings>> {
  const { parseQuantity, quantityValue } = await import('../apimachinery/quantity.ts');
  const eviction = await evictionOf(flags);
  const high = whole('--image-gc-high-threshold', flags.imageGcHighThreshold, { least: 0, most: 100 });
  const low = whole('--image-gc-low-threshold', flags.imageGcLowThreshold, { least: 0, most: high });
  const maxFiles = whole('--container-log-max-files', flags.containerLogMaxFiles, { least: 2, most: 1000 });
  let maxBytes: number;
  try {
    maxBytes = quantityValue(parseQuantity(flags.containerLogMaxSize));
  } catch {
    throw usage(`--container-log-max-size: ${JSON.stringify(flags.containerLogMaxSize)} is no size such as 10Mi`);
  }
  const pressureTransition = parseDuration(
    '--eviction-pressure-transition-period',
    flags.evictionPressureTransitionPeriod,
  );
  return { ...eviction, pressureTransition, images: { high, low }, logs: { maxBytes, maxFiles } };
}

type EvictionSettings = Pick<HousekeepingSettings, 'evictionHard' | 'evictionSoft' | 'evictionMaxPodGrace'>;

async function evictionOf(flags: KubeletFlags): Promise<EvictionSettings> {
  const { parseBySignal, parseReclaims, parseThresholds } = await import('../kubelet/eviction/thresholds.ts');
  const reclaims = readAs('--eviction-minimum-reclaim', parseReclaims(flags.evictionMinimumReclaim));
  const withReclaim = (threshold: Threshold): Threshold => {
    const reclaim = reclaims.get(threshold.signal);
    return reclaim === undefined ? threshold : { ...threshold, reclaim };
  };
  const periods = readAs('--eviction-soft-grace-period', parseBySignal(flags.evictionSoftGracePeriod, '='));
  const graceOf = (signal: Signal): number => {
    const period = periods.get(signal);
    if (period === undefined) throw usage(`--eviction-soft: ${signal} needs an --eviction-soft-grace-period`);
    return parseDuration('--eviction-soft-grace-period', period);
  };
  const soft = readAs('--eviction-soft', parseThresholds(flags.evictionSoft));
  const most = Number.MAX_SAFE_INTEGER;
  return {
    evictionHard: readAs('--eviction-hard', parseThresholds(flags.evictionHard)).map(withReclaim),
    evictionSoft: soft.map((threshold) => withReclaim({ ...threshold, grace: graceOf(threshold.signal) })),
    evictionMaxPodGrace: whole('--eviction-max-pod-grace-period', flags.evictionMaxPodGracePeriod, { least: 0, most }),
  };
}

function readAs<T extends object>(flag: string, found: T | string): T {
  if (typeof found === 'string') throw usage(`${flag}: ${found}`);
  return found;
}

function whole(flag: string, text: string, { least, most }: { readonly least: number; readonly most: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usage(`${flag}: ${JSON.stringify(text)} is no whole number from ${least} to ${most}`);
}
