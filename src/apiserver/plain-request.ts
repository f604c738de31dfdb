// A plain request over HTTP/1.1: its body is there with its head.
import type { TLSSocket } from 'node:tls';
import type { Later } from '../apimachinery/later.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { NetworkRequest } from './network-request.ts';
import type { PlainHead } from './plain-head.ts';

interface Arrived {
  readonly body: Uint8Array;
  readonly clientCertificate: ClientCertificate | undefined;
  readonly socket: TLSSocket;
}

export class PlainRequest extends NetworkRequest {
  readonly #body: Uint8Array;
  readonly #socket: TLSSocket;
  #gone = (): void => {};

  constructor({ method, url, headers }: PlainHead, { body, clientCertificate, socket }: Arrived) {
    super({ method, url, headers, clientCertificate });
    this.#body = body;
    this.#socket = socket;
  }

  /** No header came twice. */
  get rawHeaders(): undefined {
    return undefined;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get stream(): AsyncIterable<Uint8Array> | undefined {
    return this.#body.length === 0 ? undefined : inOnePiece(this.#body);
  }

  body(): Later<Uint8Array> {
    return this.#body;
  }

  dropRest(): void {}

  /** The answer is sent, or nobody waits for it. */
  leave(): void {
    this.#gone();
  }

  protected isOver(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  protected onGone(gone: () => void): void {
    this.#gone = gone;
  }
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
