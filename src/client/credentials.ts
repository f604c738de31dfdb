// What a client shows that it is who it says, where that changes while it runs: files that are rotated, and plugins.
import type { Clock } from '../system/clock.ts';

export interface Credential {
  readonly token?: string | undefined;
  /** PEM client certificate and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface CredentialSource {
  /** Asked before each request. */
  get(): Promise<Credential>;
  /** The server answered 401: the next request gets a fresh one. */
  refused(): void;
}

export interface ReadCredential {
  readonly credential: Credential;
  /** Milliseconds since 1970 at which it is read again. */
  readonly until: number;
}

/** Keeps what `read` gives for as long as it says; requests at once share one reading. */
export function keptCredentials(read: () => Promise<ReadCredential>, clock: Clock): CredentialSource {
  let kept: ReadCredential | undefined;
  let reading: Promise<ReadCredential> | undefined;
  return {
    async get() {
      if (kept && clock.now() < kept.until) return kept.credential;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      kept = await reading;
      return kept.credential;
    },
    refused() {
      kept = undefined;
    },
  };
}

/** As client-go: files that may be rotated are read again after a minute. */
const fileAge = 60_000;

/** `read` reads the files; one that is missing for a moment changes nothing. */
export function fileCredentials(read: () => Promise<Credential>, clock: Clock): CredentialSource {
  let last: Credential | undefined;
  return keptCredentials(async () => {
    try {
      last = await read();
    } catch (error) {
      if (last === undefined) throw error;
    }
    return { credential: last, until: clock.now() + fileAge };
  }, clock);
}
