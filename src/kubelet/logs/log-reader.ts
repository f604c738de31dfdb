// Reads a container's log file (CRI's format: time, stream, P or F, text) with the options of `kubectl logs`.

import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** The last so many lines; undefined is all. */
  readonly tailLines?: number | undefined;
  /** Milliseconds since the epoch: nothing before. */
  readonly since?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** Only this stream. */
  readonly stream?: 'stdout' | 'stderr' | undefined;
}

export interface LogSource {
  readonly path: string;
  /** Whether the container may still write; asked at the end of the file while following. */
  readonly isRunning: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

const chunkSize = 64 * 1024;
/** While following, the end of the container is looked for this often (ms) when nothing is written. */
const idleCheck = 1000;
const absentCheck = 20;
const newline = 0x0a;

/** Where the last `count` lines of the file begin. */
export async function tailOffset(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  let seen = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunkSize);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let at = end - start - 1; at >= 0; at--) {
      if (buffer[at] !== newline || start + at === size - 1) continue;
      seen += 1;
      if (seen === count) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** One line of the file as it is to be shown; undefined where it is left out. A line that was cut ('P') has no newline. */
export function renderLine(
  line: Buffer,
  options: Pick<LogOptions, 'timestamps' | 'since' | 'stream'>,
): Buffer | undefined {
  const first = line.indexOf(0x20);
  const second = line.indexOf(0x20, first + 1);
  const third = line.indexOf(0x20, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const time = line.toString('latin1', 0, first);
  if (options.stream && line.toString('latin1', first + 1, second) !== options.stream) return undefined;
  if (options.since !== undefined && Date.parse(time) < options.since) return undefined;
  const isFull = line.toString('latin1', second + 1, third).startsWith('F');
  const parts = [line.subarray(third + 1), ...(isFull ? [Buffer.from('\n')] : [])];
  if (options.timestamps) parts.unshift(Buffer.from(`${time} `));
  return Buffer.concat(parts);
}

/** The log as it is to be shown. A file that is not there yet is empty. */
export async function* readLog(source: LogSource, options: LogOptions): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const line of lines(source, options)) {
    const shown = renderLine(line, options);
    if (!shown) continue;
    yield shown.length > left ? shown.subarray(0, left) : shown;
    left -= shown.length;
    if (left <= 0) return;
  }
}

/** Lines of the file, and while following of those that rotation puts in its place. */
async function* lines(source: LogSource, options: LogOptions): AsyncGenerator<Buffer> {
  let file = await openLog(source.path);
  try {
    let isFirst = true;
    while (file) {
      const position = isFirst && options.tailLines !== undefined ? await tailOffset(file, options.tailLines) : 0;
      const end = yield* linesOf(file, { source, position, follow: options.follow });
      if (end === 'over') return;
      isFirst = false;
      await file.close();
      file = await openLog(source.path);
    }
  } finally {
    await file?.close();
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  return open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

interface Reading {
  readonly source: LogSource;
  readonly position: number;
  readonly follow: boolean;
}

/** `rotated`: another file is at the path, and this one was read to its end. */
async function* linesOf(file: FileHandle, reading: Reading): AsyncGenerator<Buffer, 'over' | 'rotated'> {
  const { source, follow } = reading;
  let { position } = reading;
  let rest: Buffer = Buffer.alloc(0);
  // What was written between the last read and the container's end, or the rotation, is read once more before going on.
  let isLast = !follow;
  let end: 'over' | 'rotated' = 'over';
  const buffer = Buffer.alloc(chunkSize);
  while (!source.signal.aborted) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, position);
    if (bytesRead > 0) {
      position += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline)) {
        yield rest.subarray(0, at);
        rest = rest.subarray(at + 1);
      }
      continue;
    }
    if (isLast) return end;
    if (await isReplaced(file, source.path)) {
      isLast = true;
      end = 'rotated';
    } else if (!(await source.isRunning())) isLast = true;
    else await changed(source);
  }
  return 'over';
}

async function isReplaced(file: FileHandle, path: string): Promise<boolean> {
  const [mine, present] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return present !== undefined && present.ino !== mine.ino;
}

/** Resolves when the file changes, when nothing happened for a while, or when the reader goes away. */
function changed({ path, signal }: LogSource): Promise<void> {
  return new Promise((resolve) => {
    // Rotation takes the file away for a moment: then it is looked for again soon.
    const watcher = watchFile(path);
    const done = () => {
      clearTimeout(timer);
      watcher?.close();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, watcher ? idleCheck : absentCheck);
    watcher?.once('change', done);
    watcher?.once('error', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function watchFile(path: string): FSWatcher | undefined {
  try {
    return watch(path);
  } catch {
    return undefined;
  }
}
