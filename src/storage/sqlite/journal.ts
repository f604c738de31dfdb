// The durable side of the embedded store: an append-only table of writes in SQLite. Synchronous; it runs in a thread of
// its own (writer.ts), so that waiting for the disk stops nobody.
import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The layout of the file: an older one is brought up to date, an unknown one refused. Layout 2 had the revision in a column, with
 * an index, which took an eighth of each commit's time; layout 1 had that in a file that never became smaller.
 */
const journalVersion = 3;
/** A row's id is its revision times this, and its place among the writes of that revision: a transaction has no more. */
const idsPerRevision = 4096;

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
/** What a commit writes beside its rows: the end of the table, and what is above it. */
const pagesPerCommit = 2;

/** One write: [revision, key, value or null for a delete, create revision, version]. */
export type JournalRow = [revision: number, key: string, value: string | null, created: number, version: number];

interface StoredRow {
  readonly id: number;
  readonly key: string;
  readonly value: string | null;
  readonly created: number;
  readonly version: number;
}

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
    if (version < 0 || version > journalVersion) {
      throw new Error(
        `${this.#path} was written by another version of Portico (layout ${version}, not ${journalVersion})`,
      );
    }
    // The way of keeping pages changes when all are written anew; a crash behind that leaves layout 1, and it is done again.
    if (version === 1) this.#db.exec('VACUUM');
    this.#transaction(() => {
      if (version === 0) this.#create();
      else this.#numberRows();
      this.#db.exec(`PRAGMA user_version = ${journalVersion}`);
    });
  }

  #create(): void {
    this.#createWrites();
    this.#db.exec(`
      CREATE TABLE position (revision INTEGER NOT NULL, compacted INTEGER NOT NULL);
      INSERT INTO position VALUES (1, 0);
    `);
  }

  #createWrites(): void {
    this.#db.exec(`
      CREATE TABLE writes (id INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT, created INTEGER NOT NULL,
        version INTEGER NOT NULL);
    `);
  }

  /** From the layouts that kept revisions in a column, and rows in the order of their writing. */
  #numberRows(): void {
    this.#db.exec('ALTER TABLE writes RENAME TO unnumbered');
    this.#createWrites();
    this.#db.exec(`
      INSERT INTO writes SELECT revision * ${idsPerRevision} - 1 + row_number() OVER (PARTITION BY revision ORDER BY rowid),
        key, value, created, version FROM unnumbered;
      DROP TABLE unnumbered;
    `);
  }

  #pragma(name: 'user_version' | 'freelist_count' | 'page_count'): number {
    return Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  }

  read(): JournalContents {
    const stored = this.#db.prepare('SELECT * FROM writes ORDER BY id').all() as unknown as StoredRow[];
    const rows = stored.map(
      ({ id, key, value, created, version }): JournalRow => [revisionOf(id), key, value, created, version],
    );
    const position = this.#db.prepare('SELECT revision, compacted FROM position').get() as {
      revision: number;
      compacted: number;
    };
    this.#finishCompaction(rows, position);
    return {
      rows,
      revision: Math.max(position.revision, rows.at(-1)?.[0] ?? 0),
      compacted: position.compacted,
    };
  }

  /** Takes out what a compaction that was cut off left behind: superseded rows up to its revision. */
  #finishCompaction(
    rows: readonly JournalRow[],
    position: { readonly revision: number; readonly compacted: number },
  ): void {
    const latest = new Map<string, number>();
    const superseded: [number, string][] = [];
    for (const [revision, key, value] of rows) {
      if (revision > position.compacted) break;
      const earlier = latest.get(key);
      if (earlier !== undefined && earlier !== revision) superseded.push([earlier, key]);
      if (value === null) superseded.push([revision, key]);
      latest.set(key, revision);
    }
    if (superseded.length > 0) this.compact(superseded, position);
  }

  /** Writes all rows or none, and returns when they are on disk. The rows of a transaction stand one behind the other. */
  append(rows: readonly JournalRow[]): void {
    // What is written to a file without a name is gone with the process, and nobody would know before.
    if (inodeOf(this.#path) !== this.#inode) throw new Error(`${this.#path} was removed or replaced`);
    this.#insert ??= this.#db.prepare('INSERT INTO writes VALUES (?, ?, ?, ?, ?)');
    const insert = this.#insert;
    let [id, length] = [-1, 0];
    this.#transaction(() => {
      for (const [revision, key, value, created, version] of rows) {
        id = revisionOf(id) === revision ? id + 1 : revision * idsPerRevision;
        if (revisionOf(id) !== revision) throw new Error(`a transaction writes more than ${idsPerRevision} keys`);
        insert.run(id, key, value, created, version);
        length += key.length + (value?.length ?? 0);
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
      const remove = this.#db.prepare('DELETE FROM writes WHERE id BETWEEN ? AND ? AND key = ?');
      for (const [revision, key] of superseded) {
        const first = revision * idsPerRevision;
        remove.run(first, first + idsPerRevision - 1, key);
      }
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

function revisionOf(id: number): number {
  return Math.floor(id / idsPerRevision);
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
