// The manifest folder of a node (--static-pod-path): tells of the pods in it, when it begins and whenever a file changes.
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { kubernetesYaml } from '../../apimachinery/json/kubernetes-yaml.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import { staticPod } from './static-pod.ts';

export interface ManifestFolderOptions {
  readonly path: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** All pods of the folder, with the API's defaults; called anew when they change. */
  readonly changed: (pods: readonly Pod[]) => void;
}

/** Milliseconds: the folder is read anew although nothing was told (kubelet's fileCheckFrequency), and files settle. */
const intervals = { check: 20_000, settle: 50 } as const;

export class ManifestFolder {
  readonly #options: ManifestFolderOptions;
  /** By file, what was last made of its text. */
  #read = new Map<string, { readonly text: string; readonly pod: Pod | undefined }>();

  constructor(options: ManifestFolderOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. A file that cannot be used is logged and passed over. */
  async run(signal: AbortSignal): Promise<void> {
    const { path, clock, log } = this.#options;
    let told: string | undefined;
    while (!signal.aborted) {
      const moved = this.#change(signal);
      try {
        const pods = await this.#pods();
        const key = pods.map(({ metadata }) => metadata.uid).join();
        if (key !== told) this.#options.changed(pods);
        told = key;
      } catch (error) {
        log(`static pods in ${path}: ${errorMessage(error)}`);
      }
      await moved;
      await clock.sleep(intervals.settle, signal).catch(() => {});
    }
  }

  /** Resolves when something in the folder changes, or when it is time to look anyway. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = new AbortController();
      const done = () => {
        over.abort();
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#options.clock.after(intervals.check, done);
      signal.addEventListener('abort', done, { once: true });
      try {
        watch(this.#options.path, { signal: over.signal }, done).on('error', done);
      } catch {
        // The folder is not there yet: it is looked for again later.
      }
    });
  }

  async #pods(): Promise<Pod[]> {
    const { path } = this.#options;
    const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const read = new Map<string, { readonly text: string; readonly pod: Pod | undefined }>();
    for (const name of names.filter((n) => /\.(ya?ml|json|manifest)$/.test(n) && !n.startsWith('.')).sort()) {
      const text = await readFile(join(path, name), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const known = this.#read.get(name);
      read.set(name, known?.text === text ? known : { text, pod: await this.#parse(name, text) });
    }
    this.#read = read;
    return [...read.values()].flatMap(({ pod }) => pod ?? []);
  }

  async #parse(file: string, text: string): Promise<Pod | undefined> {
    const { nodeName, clock, log } = this.#options;
    const [{ parse }, { pod: kind }] = await Promise.all([import('yaml'), import('../../api/core/v1/pod/index.ts')]);
    try {
      const pod = staticPod({ manifest: parse(text, kubernetesYaml), text, nodeName, seenAt: formatTime(clock.now()) });
      if (typeof pod === 'string') throw new Error(pod);
      kind.strategy?.default?.(pod);
      const [mistake] = kind.strategy?.validate?.(pod) ?? [];
      if (mistake) throw new Error(`${mistake.field}: ${mistake.detail}`);
      return pod;
    } catch (error) {
      // The parser shows the place in the text, too, on lines of its own.
      const [what] = errorMessage(error).split(/:?\n/);
      log(`static pod ${file}: ${what}`);
      return undefined;
    }
  }
}
