// The durable side of the embedded store: an append-only table of writes in SQLite. Synchronous; it runs in a thread of
// its own (writer.ts), so that waiting for the disk stops nobody.
import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The layout of the file: an older one is brought up to date, an unknown one refused. Layout 1 had the same tables, in a
 * file that never became smaller.
 */
const journalVersion = 2;

/** Pages that may lie empty, for writes to come: so many, or so large a part of the file. */
const spare = { pages: 1000, part: 0.25 };
/** Pages taken out of the file at a time: writes wait while it is done. */
const shrunkAtOnce = 1000;
/** Bytes that the write-ahead log may keep once its content is in the file. */
const logLimit = 16 << 20;

/**
 * Pages of the write-ahead log, about, that are brought into the file at a time. SQLite does it by itself at 1,000, as a part of
 * the commit that reaches them: five milliseconds and more, for which that commit and those behind it wait.
 */
const foldedAtOnce = 256;
const pageBytes = 4096;
/** What a commit writes beside its rows: the ends of the table and of its index, and what is above them. */
const pagesPerCommit = 3;

/** One write: [revision, key, value or null for a delete, create revision, version]. */
export type JournalRow = [revision: number, key: string, value: string | null, created: number, version: number];

export interface JournalContents {
  readonly rows: readonly JournalRow[];
  readonly revision: number;
  readonly compacted: number;
}

export class Journal {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #inode: number | undefined;
  /** Prepared once the table is there. */
  #insert: StatementSync | undefined;
  /** Pages of the write-ahead log that are not in the file, about. */
  #ahead = 0;

  /** Opens or makes the file and locks it. Throws an Error with a one-line message when that cannot be. */
  constructor(path: string) {
    this.#path = path;
    this.#db = new DatabaseSync(path);
    try {
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
      this.#db.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${logLimit}`);
      this.#migrate();
      this.#inode = inodeOf(path);
    } catch (error) {
      this.#db.close();
      const { errstr } = error as { errstr?: string };
      if (errstr === 'database is locked') {
        throw new Error(`${path} is in use by another process`, { cause: error });
      }
      throw error;
    }
  }

  #migrate(): void {
    // Takes the lock, which is kept.
    this.#db.exec('BEGIN IMMEDIATE; COMMIT');
    const version = this.#pragma('user_version');
    if (version === journalVersion) return;
    if (version === 0) this.#transaction(() => this.#create());
    // The way of keeping pages changes when all are written anew; a crash in between leaves layout 1.
    else if (version === 1) this.#db.exec(`VACUUM; PRAGMA user_version = ${journalVersion}`);
    else
      throw new Error(
        `${this.#path} was written by another version of Portico (layout ${version}, not ${journalVersion})`,
      );
  }

  #create(): void {
    this.#db.exec(`
      CREATE TABLE writes (revision INTEGER NOT NULL, key TEXT NOT NULL, value TEXT, created INTEGER NOT NULL,
        version INTEGER NOT NULL);
      CREATE INDEX writes_by_revision ON writes (revision);
      CREATE TABLE position (revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
      INSERT INTO position VALUES (1, 0);
      PRAGMA user_version = ${journalVersion};
    `);
  }

  #pragma(name: 'user_version' | 'freelist_count' | 'page_count'): number {
    return Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  }

  read(): JournalContents {
    const rows = this.#db
      .prepare('SELECT revision, key, value, created, version FROM writes ORDER BY revision, rowid')
      .all() as unknown as { revision: number; key: string; value: string | null; created: number; version: number }[];
    const position = this.#db.prepare('SELECT revision, compacted FROM position').get() as {
      revision: number;
      compacted: number;
    };
    this.#finishCompaction(rows, position);
    return {
      rows: rows.map((r) => [r.revision, r.key, r.value, r.created, r.version]),
      revision: Math.max(position.revision, rows.at(-1)?.revision ?? 0),
      compacted: position.compacted,
    };
  }

  /** Takes out what a compaction that was cut off left behind: superseded rows up to its revision. */
  #finishCompaction(
    rows: readonly { readonly revision: number; readonly key: string; readonly value: string | null }[],
    position: { readonly revision: number; readonly compacted: number },
  ): void {
    const latest = new Map<string, number>();
    const superseded: [number, string][] = [];
    for (const { revision, key, value } of rows) {
      if (revision > position.compacted) break;
      const earlier = latest.get(key);
      if (earlier !== undefined && earlier !== revision) superseded.push([earlier, key]);
      if (value === null) superseded.push([revision, key]);
      latest.set(key, revision);
    }
    if (superseded.length > 0) this.compact(superseded, position);
  }

  /** Writes all rows or none, and returns when they are on disk. */
  append(rows: readonly JournalRow[]): void {
    // What is written to a file without a name is gone with the process, and nobody would know before.
    if (inodeOf(this.#path) !== this.#inode) throw new Error(`${this.#path} was removed or replaced`);
    this.#insert ??= this.#db.prepare('INSERT INTO writes VALUES (?, ?, ?, ?, ?)');
    const insert = this.#insert;
    let length = 0;
    this.#transaction(() => {
      for (const row of rows) {
        insert.run(...row);
        length += row[1].length + (row[2]?.length ?? 0);
      }
    });
    this.#ahead += pagesPerCommit + length / pageBytes;
  }

  /**
   * Brings what was written ahead into the file, where there is enough of it: to be called when nobody waits. What is on disk
   * already stays safe where this fails, and is brought in later.
   */
  fold(): void {
    if (this.#ahead < foldedAtOnce) return;
    this.#ahead = 0;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // A full disk: the next write that needs room says so.
    }
  }

  /** Forgets superseded writes. */
  compact(
    superseded: readonly (readonly [revision: number, key: string])[],
    position: { revision: number; compacted: number },
  ): void {
    this.#transaction(() => {
      const remove = this.#db.prepare('DELETE FROM writes WHERE revision = ? AND key = ?');
      for (const [revision, key] of superseded) remove.run(revision, key);
      this.#db.prepare('UPDATE position SET revision = ?, compacted = ?').run(position.revision, position.compacted);
    });
  }

  /** Gives some of the empty pages back to the disk, where there are many; false when there are no more. */
  shrink(): boolean {
    const excess = this.#pragma('freelist_count') - Math.max(spare.pages, spare.part * this.#pragma('page_count'));
    if (excess <= 0) return false;
    this.#db.exec(`PRAGMA incremental_vacuum(${Math.min(Math.ceil(excess), shrunkAtOnce)})`);
    return excess > shrunkAtOnce;
  }

  close(): void {
    this.#db.close();
  }

  #transaction(body: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
