// The flags of `portico agent` that are the kubelet's, spelled as upstream's: eviction, images, logs.
import type { Command } from 'commander';
import type { HousekeepingSettings } from '../kubelet/housekeeping.ts';
import { usage } from './cluster-options.ts';
import { parseDuration } from './duration.ts';

export interface KubeletFlags {
  readonly evictionHard: string;
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
  const [{ parseThresholds }, { parseQuantity, quantityValue }] = await Promise.all([
    import('../kubelet/eviction/thresholds.ts'),
    import('../apimachinery/quantity.ts'),
  ]);
  const evictionHard = parseThresholds(flags.evictionHard);
  if (typeof evictionHard === 'string') throw usage(`--eviction-hard: ${evictionHard}`);
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
  return { evictionHard, pressureTransition, images: { high, low }, logs: { maxBytes, maxFiles } };
}

function whole(flag: string, text: string, { least, most }: { readonly least: number; readonly most: number }): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usage(`${flag}: ${JSON.stringify(text)} is no whole number from ${least} to ${most}`);
}
