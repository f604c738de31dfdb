// Keeps the history of the Service world beside the data of the embedded store, so that a server that comes again knows
// what was before. Two files, of which the older one goes when the newer one is full.
import { createReadStream } from 'node:fs';
import { appendFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../apimachinery/object.ts';
import { nodes } from '../../client/resources.ts';
import { resourcePath } from '../../client/rest-client.ts';
import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import { type Recorded, usualLimits } from '../../explain/history/history.ts';
import { type Kept, LogReader, logLine } from '../../explain/history/history-log.ts';
import { type Keeper, worldKinds } from '../../explain/history/world-follower.ts';
import type { Moment } from '../../explain/picture/picture.ts';
import type { Clock } from '../../system/clock.ts';

export interface HistoryFileOptions {
  readonly dataDir: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Changes are gathered for so many milliseconds: what a killed server had not written yet is found by comparison. */
const gatherMs = 1000;
const mostCharacters = 32 * 1024 * 1024;
/** How often it is written that nothing is missing: well within the time for which the store knows earlier revisions. */
const completeMs = 60_000;

export class HistoryFile implements Keeper {
  readonly #options: HistoryFileOptions;
  readonly #path: string;
  readonly #earlierPath: string;
  /** Waits for the record to begin, then to be written. */
  #lines: string[] = [];
  /** Of the newer file: its lines, and its characters as far as this process wrote them. */
  #written = 0;
  #size = 0;
  #began: Moment | undefined;
  #latest: Moment | undefined;
  /** The file may end within a line, as a process left it that was killed, or a disk that was full. */
  #isCutOff = true;

  constructor(options: HistoryFileOptions) {
    this.#options = options;
    this.#path = join(options.dataDir, 'history.jsonl');
    this.#earlierPath = join(options.dataDir, 'history.earlier.jsonl');
  }

  async load(): Promise<{ kept: Kept; objects: readonly Readonly<KubeObject>[] } | undefined> {
    const reader = new LogReader(usualLimits);
    for (const path of [this.#earlierPath, this.#path]) this.#written = await readLines(path, reader);
    const kept = reader.kept(this.#options.clock.now());
    const objects = kept && (await this.#worldAt(kept.complete));
    return kept && objects && { kept, objects };
  }

  begin(began: Moment, isResumed: boolean): void {
    this.#began = began;
    if (!isResumed) this.#lines.unshift(logLine({ began }));
  }

  keep(change: Recorded): void {
    this.#lines.push(logLine({ change }));
    this.#latest = { revision: change.revision, time: change.time };
  }

  /** Writes what is to be kept, until the signal aborts; what is not written by then is found by comparison. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    let complete: number | undefined;
    let asked = clock.monotonic();
    let isFailing = false;
    while (!signal.aborted) {
      await clock.sleep(gatherMs, signal).catch(() => {});
      try {
        if (clock.monotonic() - asked >= completeMs) {
          // All that came up to the revision of a while ago is known by now.
          if (complete !== undefined) this.#lines.push(logLine({ complete }));
          complete = await this.#currentRevision();
          asked = clock.monotonic();
        }
        await this.#write();
        isFailing = false;
      } catch (error) {
        // Said once, however long a disk is full.
        if (!isFailing) onError(error);
        this.#isCutOff = true;
        isFailing = true;
      }
    }
  }

  async #write(): Promise<void> {
    if (!this.#began || this.#lines.length === 0) return;
    const lines = this.#lines.slice(0, usualLimits.maxChanges);
    const text = lines.join('');
    // What could not be written waits: a record with a gap would tell of what never was.
    await appendFile(this.#path, `${this.#isCutOff ? '\n' : ''}${text}`, { mode: 0o600 });
    this.#isCutOff = false;
    this.#lines.splice(0, lines.length);
    this.#written += lines.length;
    this.#size += text.length;
    if (this.#written < usualLimits.maxChanges && this.#size < mostCharacters) return;
    await rename(this.#path, this.#earlierPath);
    this.#written = 0;
    this.#size = 0;
    this.#lines.unshift(logLine({ began: this.#latest ?? this.#began }));
  }

  async #currentRevision(): Promise<number> {
    const { metadata } = await this.#options.client.resource(nodes).list({ limit: 1 });
    return Number(metadata.resourceVersion);
  }

  /** The world as the store still knows it; undefined, and the record begins anew, when it does not. */
  async #worldAt(revision: number): Promise<readonly Readonly<KubeObject>[] | undefined> {
    const query = new URLSearchParams({ resourceVersion: String(revision), resourceVersionMatch: 'Exact' });
    const lists = await Promise.all(
      worldKinds.map(async ([kind, resource]) => {
        const { status, body } = await this.#options.client.raw({
          method: 'GET',
          path: `${resourcePath(resource)}?${query}`,
        });
        const text = await readText(body);
        if (status !== 200) return undefined;
        const { items } = JSON.parse(text) as { items: readonly KubeObject[] };
        return items.map((object) => ({ ...object, kind }));
      }),
    );
    if (lists.every((list) => list !== undefined)) return lists.flat();
    await Promise.all([this.#path, this.#earlierPath].map((path) => rm(path, { force: true })));
    return undefined;
  }
}

/** How many there were. */
async function readLines(path: string, reader: LogReader): Promise<number> {
  let count = 0;
  const stream = createReadStream(path, 'utf8');
  try {
    for await (const line of createInterface({ input: stream })) {
      reader.read(line);
      count += 1;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    stream.destroy();
  }
  return count;
}
