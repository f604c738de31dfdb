// A request over HTTP/1.1.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Later } from '../apimachinery/later.ts';
import type { Clock } from '../system/clock.ts';
import { readWhole } from './body-reader.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { dropUnread, NetworkRequest, noBytes } from './network-request.ts';
import { bodyTooLarge, maxBodyBytes, type Upgrade } from './request.ts';

export type AnsweredBy = { readonly outgoing: ServerResponse } | { readonly upgrade: Upgrade };

export class Http1Request extends NetworkRequest {
  readonly upgrade?: Upgrade;
  readonly #incoming: IncomingMessage;
  readonly #clock: Clock;
  #isPassedOn = false;
  readonly #closing: ServerResponse | Duplex;

  constructor(
    incoming: IncomingMessage,
    carrier: {
      readonly clientCertificate: ClientCertificate | undefined;
      readonly clock: Clock;
      readonly answeredBy: AnsweredBy;
    },
  ) {
    const { method = 'GET' } = incoming;
    const url = originForm(incoming.url ?? '/');
    const headers = incoming.headers as Record<string, string | undefined>;
    super({ method, url, headers, clientCertificate: carrier.clientCertificate });
    this.#incoming = incoming;
    this.#clock = carrier.clock;
    const { answeredBy } = carrier;
    if ('upgrade' in answeredBy) this.upgrade = answeredBy.upgrade;
    this.#closing = 'upgrade' in answeredBy ? answeredBy.upgrade.socket : answeredBy.outgoing;
  }

  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  get remoteAddress(): string | undefined {
    return this.#incoming.socket?.remoteAddress;
  }

  get stream(): AsyncIterable<Uint8Array> | undefined {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = this.headers;
    if (length === '0' && coding === undefined) return undefined;
    this.#isPassedOn = true;
    // The answer goes over the same connection.
    return this.#incoming.iterator({ destroyOnReturn: false });
  }

  protected isOver(): boolean {
    return this.#closing.destroyed === true || this.#incoming.socket.readableEnded;
  }

  /** As with Go's servers the end of what a client sends takes back what it waits for: of one that was ended nothing else comes. */
  protected onGone(gone: () => void): void {
    const { socket } = this.#incoming;
    socket.once('end', gone);
    this.#closing.once('close', () => {
      socket.off('end', gone);
      gone();
    });
  }

  body(): Later<Uint8Array> {
    const incoming = this.#incoming;
    const length = this.headers['content-length'];
    if (length === '0' || (length === undefined && this.method === 'GET')) return noBytes;
    if (length !== undefined && Number(length) > maxBodyBytes) return Promise.reject(bodyTooLarge());
    const { complete, aborted, readableLength } = incoming;
    // Small bodies come with their head: they are there, past 16 KiB in several pieces. Without a length Node.js 26 reads the first
    // of them alone.
    if (complete && !aborted && readableLength > 0) return incoming.read(readableLength) as Uint8Array;
    return readWhole(incoming, { isWhole: () => !incoming.aborted, clock: this.#clock });
  }

  /** The next request on the connection comes behind it. Bodies that are asked for here are read to their end; the rest Node.js drops. */
  dropRest(): void {
    if (this.#isPassedOn && !this.#incoming.readableEnded) dropUnread(this.#incoming);
  }
}

/** A target with scheme and host, as for a proxy, is meant for this server as well (RFC 9112, section 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const [, rest] = /^[a-z][a-z\d+.-]*:\/\/[^/?]*(.*)$/is.exec(target) ?? [];
  if (rest === undefined) return target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
