// The audit log's file: appended to, cut when it is large, old parts forgotten by count and age, as kube-apiserver's
// --audit-log-maxsize, --audit-log-maxbackup and --audit-log-maxage ask.
import {
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type WriteStream,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../system/clock.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Megabytes at which the file is cut; 0 is upstream's 100. */
  readonly maxSize: number;
  /** Old parts to keep; 0 keeps all. */
  readonly maxBackup: number;
  /** Days that old parts are kept; 0 is for ever. */
  readonly maxAge: number;
  readonly clock: Clock;
  /** Told when the file cannot be written, and how many lines are lost. */
  readonly onError: (error: unknown, lines: number) => void;
}

const megabyte = 1024 * 1024;
/** Bytes that wait for the disk before requests do, too. */
const mostWaiting = megabyte;
const day = 24 * 3600 * 1000;

/** `audit-2026-01-02T03-04-05.678.log` beside `audit.log`. */
function backupPath(path: string, now: number): string {
  const extension = extname(path);
  const stamp = new Date(now).toISOString().slice(0, 23).replaceAll(':', '-');
  return join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`);
}

/** Which of the old parts go; the names sort by age. Pure. */
export function staleParts(
  names: readonly string[],
  { path, maxBackup, maxAge, now }: Pick<LogFileOptions, 'path' | 'maxBackup' | 'maxAge'> & { readonly now: number },
): string[] {
  const extension = extname(path);
  const prefix = `${basename(path, extension)}-`;
  const stampOf = (name: string) => /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(name);
  const parts = names
    .filter((name) => name.startsWith(prefix) && name.endsWith(extension))
    .map((name) => ({ name, stamp: stampOf(name.slice(prefix.length, name.length - extension.length)) }))
    .filter(({ stamp }) => stamp !== null)
    .sort((a, b) => (a.name < b.name ? 1 : -1));
  const isOld = (stamp: RegExpExecArray | null) =>
    maxAge > 0 && stamp !== null && Date.parse(`${stamp[1]}${stamp[2]}:${stamp[3]}:${stamp[4]}Z`) < now - maxAge * day;
  return parts.filter(({ stamp }, i) => (maxBackup > 0 && i >= maxBackup) || isOld(stamp)).map(({ name }) => name);
}

export class LogFile {
  readonly #options: LogFileOptions;
  #stream: WriteStream | undefined;
  #size = 0;
  #closed = false;
  /** Resolves when what waits for the disk has gone there, or is lost. */
  #full: Promise<true> | undefined;
  /** When a file that failed is opened again. */
  #retryAt = 0;
  /** Lines of which nobody was told yet. */
  #lost = 0;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Opens the file. Throws when it cannot be written. */
  open(): void {
    const { path } = this.#options;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(fd).size;
    const stream = createWriteStream(path, { fd, highWaterMark: mostWaiting });
    stream.on('error', (error) => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#tell(error);
    });
    this.#stream = stream;
  }

  #tell(error: unknown): void {
    const lines = this.#lost;
    this.#lost = 0;
    this.#options.onError(error, lines);
  }

  readonly #written = (error?: Error | null): void => {
    if (error) this.#lost += 1;
  };

  /** A promise where the disk is behind: whoever is told of is to wait for it, as with upstream's mode `blocking`. */
  readonly write = (line: string): Promise<true> | undefined => {
    if (this.#closed) return undefined;
    if (!this.#isOpen()) {
      this.#lost += 1;
      return undefined;
    }
    const bytes = Buffer.from(`${line}\n`);
    const limit = (this.#options.maxSize || 100) * megabyte;
    if (this.#size > 0 && this.#size + bytes.length > limit) this.#cut();
    this.#size += bytes.length;
    if (this.#stream?.write(bytes, this.#written) === false) this.#full ??= this.#drained(this.#stream);
    return this.#full;
  };

  #drained(stream: WriteStream): Promise<true> {
    return new Promise((resolve) => {
      // One that failed, or was put aside meanwhile, tells of its end alone.
      const events = ['drain', 'close'];
      const goOn = () => {
        for (const event of events) stream.off(event, goOn);
        this.#full = undefined;
        resolve(true);
      };
      for (const event of events) stream.on(event, goOn);
    });
  }

  /** A stream that failed, as on a full disk, takes no more; a second later the file is opened again. */
  #isOpen(): boolean {
    const { clock } = this.#options;
    if (this.#stream) return true;
    if (clock.monotonic() < this.#retryAt) return false;
    this.#retryAt = clock.monotonic() + 1000;
    try {
      this.open();
    } catch (error) {
      this.#tell(error);
      return false;
    }
    if (this.#lost > 0) this.#tell(new Error(`${this.#lost} lines were lost while the file could not be written`));
    return true;
  }

  #cut(): void {
    const { path, clock } = this.#options;
    const old = this.#stream;
    // Where it cannot be cut, lines go on into it until that much has come again.
    this.#size = 0;
    try {
      renameSync(path, backupPath(path, clock.now()));
      this.open();
      // What is still waiting goes to the old part: its descriptor follows the file.
      old?.end();
      const folder = dirname(path);
      for (const name of staleParts(readdirSync(folder), { ...this.#options, now: clock.now() })) {
        rmSync(join(folder, name), { force: true });
      }
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Resolves when all lines are in the file; it takes no more. */
  close(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => {
      if (!this.#stream) resolve();
      else this.#stream.end(() => resolve());
    });
  }
}
