// What a server that comes again must know for pages that are open to go on: their port, and their sessions.
import { join } from 'node:path';
import type { Files } from '../../system/files.ts';
import type { KeptSession } from './sessions.ts';

export interface KeptPage {
  readonly port: number;
  readonly sessions: readonly KeptSession[];
}

export class PageFile {
  readonly #files: Files;
  readonly #path: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#path = join(folder, 'page.json');
  }

  /** Undefined when nothing was kept, or nothing that makes sense; sessions that ended by `now` are left out. */
  async read(now: number): Promise<KeptPage | undefined> {
    const text = await this.#files.read(this.#path);
    if (text === undefined) return undefined;
    try {
      const { port, sessions } = JSON.parse(text) as KeptPage;
      return { port: Number(port), sessions: sessions.filter(({ ends }) => ends > now) };
    } catch {
      return undefined; // a new link is all that it costs
    }
  }

  /** For nobody else to read: it says who looks. */
  async write(kept: KeptPage): Promise<void> {
    await this.#files.write(this.#path, JSON.stringify(kept), { mode: 0o600 });
  }
}
