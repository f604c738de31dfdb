// Who may see the page: one-time codes for those whom the API server knows, and the sessions that they turn into.
import { createHash } from 'node:crypto';
import type { User } from '../../apiserver/request.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';

/** What whoever asks for a link knows of the cluster's network, and no object says. */
export interface KnownNetwork {
  /** The mode of the cluster's proxies. */
  readonly proxyMode?: string | undefined;
  /** With egress off: addresses and prefixes beyond the cluster that packets still get to. */
  readonly reach?: readonly string[] | undefined;
}

export interface Session extends KnownNetwork {
  readonly user: User;
}

interface Timed {
  readonly session: Session;
  /** Milliseconds since the epoch. */
  ends: number;
}

/** A session as it may be kept: whoever reads it learns no token. */
export interface KeptSession extends Readonly<Timed> {
  /** Of the token. */
  readonly hash: string;
}

export interface SessionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Those of a server before. */
  readonly kept?: readonly KeptSession[];
  /** A session began, or goes on for noticeably longer. */
  readonly onChange?: () => void;
}

const codeMs = 600_000;
const sessionMs = 8 * 3_600_000;
const mostWaiting = 1000;
/** Not each use of a session is worth writing down. */
const noticeableMs = 1_800_000;

/** Secrets are kept as hashes, so that looking one up tells nothing by the time it takes. */
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #codes = new Map<string, Timed>();
  readonly #sessions: Map<string, Timed>;
  readonly #onChange: () => void;
  #told = 0;

  constructor({ clock, random, kept = [], onChange = () => {} }: SessionsOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#onChange = onChange;
    this.#sessions = new Map(kept.map(({ hash, session, ends }) => [hash, { session, ends }]));
  }

  /** Those that go on. */
  kept(): readonly KeptSession[] {
    this.#tidy();
    return [...this.#sessions].map(([hash, timed]) => ({ hash, ...timed }));
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
    const token = this.#keep(this.#sessions, found.session, sessionMs);
    this.#tell();
    return token;
  }

  /** The session of a token, which then goes on for eight hours; undefined for any other text. */
  find(token: string): Session | undefined {
    this.#tidy();
    const found = this.#sessions.get(hashOf(token));
    if (!found) return undefined;
    const now = this.#clock.now();
    found.ends = now + sessionMs;
    if (now - this.#told >= noticeableMs) this.#tell();
    return found.session;
  }

  #tell(): void {
    this.#told = this.#clock.now();
    this.#onChange();
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
