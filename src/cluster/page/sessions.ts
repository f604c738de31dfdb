// Who may see the page: one-time codes for those whom the API server knows, and the sessions that they turn into.
import { createHash } from 'node:crypto';
import type { User } from '../../apiserver/request.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';

export interface Session {
  readonly user: User;
  /** The mode of the cluster's proxies, where whoever asked for the link knew it. */
  readonly proxyMode: string | undefined;
}

interface Timed {
  readonly session: Session;
  /** Milliseconds since the epoch. */
  ends: number;
}

const codeMs = 600_000;
const sessionMs = 8 * 3_600_000;
const mostWaiting = 1000;

/** Secrets are kept as hashes, so that looking one up tells nothing by the time it takes. */
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #codes = new Map<string, Timed>();
  readonly #sessions = new Map<string, Timed>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A code that opens one session within ten minutes. */
  newCode(session: Session): string {
    this.#tidy();
    const [oldest] = this.#codes.keys();
    if (this.#codes.size >= mostWaiting && oldest !== undefined) this.#codes.delete(oldest);
    return this.#keep(this.#codes, session, codeMs);
  }

  /** A session's token for a code that nobody used before; undefined for any other text. */
  exchange(code: string): string | undefined {
    this.#tidy();
    const key = hashOf(code);
    const found = this.#codes.get(key);
    if (!found) return undefined;
    this.#codes.delete(key);
    return this.#keep(this.#sessions, found.session, sessionMs);
  }

  /** The session of a token, which then goes on for eight hours; undefined for any other text. */
  find(token: string): Session | undefined {
    this.#tidy();
    const found = this.#sessions.get(hashOf(token));
    if (found) found.ends = this.#clock.now() + sessionMs;
    return found?.session;
  }

  #keep(where: Map<string, Timed>, session: Session, ms: number): string {
    const secret = Buffer.from(this.#random.bytes(32)).toString('base64url');
    where.set(hashOf(secret), { session, ends: this.#clock.now() + ms });
    return secret;
  }

  #tidy(): void {
    const now = this.#clock.now();
    for (const all of [this.#codes, this.#sessions]) {
      for (const [key, { ends }] of all) if (ends <= now) all.delete(key);
    }
  }
}
