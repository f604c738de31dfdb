// A session of HTTP/2: who is at its other end, and whether it is used.
import type { Http2Session } from 'node:http2';
import type { Clock } from '../system/clock.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { IdleTimer } from './idle-timer.ts';

export class SessionUse {
  /** Whose certificate its connection showed; undefined until somebody looked. */
  certificate: { readonly certificate: ClientCertificate | undefined } | undefined;
  readonly idle: IdleTimer;

  /** Says GOAWAY when nobody uses it, as Node.js does with connections of HTTP/1.1. */
  constructor(session: Http2Session, { clock, idleMs }: { readonly clock: Clock; readonly idleMs: number }) {
    this.idle = new IdleTimer({ clock, idleMs, onIdle: () => session.close() });
    session.once('close', () => this.idle.cancel());
  }
}
