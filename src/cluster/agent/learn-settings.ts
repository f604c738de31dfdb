// What an agent is not told by flags about its cluster it asks the server, and keeps for a start while the server is away.
import { join } from 'node:path';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import type { Clock } from '../../system/clock.ts';
import type { Files } from '../../system/files.ts';
import { type ClusterSettings, clusterSettings, clusterSettingsPath } from '../cluster-settings.ts';

export interface LearnOptions {
  /** What flags said; nobody is asked for it. */
  readonly given: Partial<ClusterSettings>;
  readonly client: Client;
  /** Beside the certificate that the cluster gave: of another cluster nothing is believed. */
  readonly folder: string;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: (message: string) => void;
}

const names = ['clusterCIDRs', 'serviceCIDRs', 'clusterDNS', 'clusterDomain'] as const;

/** Milliseconds that a server may take when the settings of the last start are there. */
const patience = 3000;

/** A server from before there was a choice that agents could ask for. */
const former = clusterSettings({
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
  serviceClusterIPRanges: ['10.96.0.0/16', 'fd00:96::/112'],
});

/** Waits for the server as long as nothing is known of the cluster. */
export async function learnSettings(options: LearnOptions, signal: AbortSignal): Promise<ClusterSettings> {
  const { given, folder, files, clock, log } = options;
  if (names.every((name) => given[name] !== undefined)) return given as ClusterSettings;
  const path = join(folder, 'cluster.json');
  const kept = readKept(await files.read(path));
  let said = '';
  for (let delay = 100; ; delay = Math.min(delay * 2, 5000)) {
    try {
      const told = await ask(options, kept === undefined ? signal : AbortSignal.any([signal, timeout(clock)]));
      const text = JSON.stringify(told);
      if (text !== JSON.stringify(kept)) await files.write(path, text);
      return { ...told, ...given };
    } catch (error) {
      if (signal.aborted) throw error;
      const why = errorMessage(error);
      if (kept) {
        log(`the cluster's settings are those of the last start: ${why}`);
        return { ...kept, ...given };
      }
      if (why !== said) log(`asking for the cluster's settings: ${why}`);
      said = why;
    }
    await clock.sleep(delay, signal);
  }
}

function timeout(clock: Clock): AbortSignal {
  const late = new AbortController();
  clock.after(patience, () => late.abort(new Error('the server does not answer')));
  return late.signal;
}

async function ask({ client }: LearnOptions, signal: AbortSignal): Promise<ClusterSettings> {
  const response = await client.raw({ method: 'GET', path: clusterSettingsPath, signal });
  const text = await readText(response.body);
  if (response.status === 404) return former;
  if (response.status !== 200) throw new Error(`GET ${clusterSettingsPath} answered ${response.status}`);
  const told = settingsOf(text);
  if (!told) throw new Error(`GET ${clusterSettingsPath} answered something else`);
  return told;
}

function settingsOf(text: string): ClusterSettings | undefined {
  const found = JSON.parse(text) as Partial<ClusterSettings>;
  return names.every((name) => found[name] !== undefined) ? (found as ClusterSettings) : undefined;
}

/** A file that was half written is as good as none. */
function readKept(text: string | undefined): ClusterSettings | undefined {
  try {
    return text === undefined ? undefined : settingsOf(text);
  } catch {
    return undefined;
  }
}
