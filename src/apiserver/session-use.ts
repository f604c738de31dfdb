// Whether a session of HTTP/2 is used: one that nobody needs is let go of, as Node.js does with connections of HTTP/1.1.
import type { Http2Session } from 'node:http2';
import type { Clock, Timer } from '../system/clock.ts';
import type { ClientCertificate } from './client-certificate.ts';

export class SessionUse {
  /** Whose certificate its connection showed; undefined until somebody looked. */
  certificate: { readonly certificate: ClientCertificate | undefined } | undefined;
  #answering = 0;
  #isUsed = false;
  #timer: Timer;

  /** Says GOAWAY when nothing was asked and nothing answered for `idleMs`, or up to twice as long. */
  constructor(session: Http2Session, { clock, idleMs }: { readonly clock: Clock; readonly idleMs: number }) {
    const look = () => {
      if (!this.#isUsed && this.#answering === 0) {
        session.close();
        return;
      }
      this.#isUsed = false;
      this.#timer = clock.after(idleMs, look);
    };
    this.#timer = clock.after(idleMs, look);
    session.once('close', () => this.#timer.cancel());
  }

  /** A request came. */
  begin(): void {
    this.#answering += 1;
    this.#isUsed = true;
  }

  /** Its answer is made. */
  readonly end = (): void => {
    this.#answering -= 1;
  };
}
