// Asks a kubelet at its own port, over HTTPS, what an agent is asked over its tunnel: upstream's kubelet listens there. Exec,
// attach and port-forward are SPDY to it and frames to the caller, as over a tunnel.
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Duplex, duplexPair, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { limitConnecting } from '../../client/connect-limit.ts';
import { SpdyRefusedError } from '../../client/spdy/connect.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
import type { KeyPair } from '../pki/certificates.ts';
import { NodeUnreachableError, type TunnelRequest, type TunnelResponse } from './tunnel-registry.ts';

export interface KubeletAddress {
  readonly nodeName: string;
  readonly host: string;
  readonly port: number;
}

export interface KubeletPortOptions {
  /** Shown to kubelets, as it is when one is asked: certificates are renewed. */
  readonly client: () => KeyPair;
  /** PEM of the authorities of kubelets' serving certificates; without it these are not looked at, as by kube-apiserver. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
}

export class KubeletPort {
  readonly #options: KubeletPortOptions;

  constructor(options: KubeletPortOptions) {
    this.#options = options;
  }

  get #tls() {
    const { client, ca } = this.#options;
    const { certPem: cert, keyPem: key } = client();
    return { cert, key, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) };
  }

  /** Rejects with {@link NodeUnreachableError}, or the signal's reason. */
  async request(kubelet: KubeletAddress, request: TunnelRequest): Promise<TunnelResponse> {
    request.signal?.throwIfAborted();
    try {
      return await this.#ask(kubelet, request);
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      if (error instanceof SpdyRefusedError) return refusal(error);
      throw new NodeUnreachableError(kubelet.nodeName, errorMessage(error));
    }
  }

  #ask(kubelet: KubeletAddress, request: TunnelRequest): Promise<TunnelResponse> {
    const [, kind] = /^\/(exec|attach|portForward)\//.exec(request.path) ?? [];
    // Whoever brings a body speaks HTTP, and is for the kubelet to refuse.
    if (kind === undefined || request.body) return this.#plain(kubelet, request);
    const url = new URL(`https://${joinHostPort(kubelet.host, kubelet.port)}${request.path}`);
    return kind === 'portForward' ? this.#forward(url, request) : this.#command(url, request);
  }

  /** For streams, as long as the caller waits for them. */
  #streaming({ signal }: TunnelRequest) {
    return { tls: { ...this.#tls, clock: this.#options.clock }, ...(signal && { signal }) };
  }

  async #command(url: URL, request: TunnelRequest): Promise<TunnelResponse> {
    const { openRemoteCommand, pumpRemoteCommand } = await import('../../client/streaming/remote-command.ts');
    const wants = (flag: string) => url.searchParams.has(flag);
    const flags = { stdin: wants('input'), stdout: wants('output'), stderr: wants('error'), tty: wants('tty') };
    const streams = await openRemoteCommand({ url: url.href, ...this.#streaming(request), ...flags });
    const [caller, ours] = duplexPair();
    void pumpRemoteCommand(streams, ours);
    return { status: 200, headers: {}, stream: caller };
  }

  async #forward(url: URL, request: TunnelRequest): Promise<TunnelResponse> {
    const { openForwardedPort, pumpForwardedPort } = await import('../../client/streaming/port-forward.ts');
    const port = Number(url.searchParams.get('port'));
    url.search = '';
    const forwarded = await openForwardedPort({ url: url.href, ...this.#streaming(request) }, port);
    const [caller, ours] = duplexPair();
    void pumpForwardedPort(forwarded, ours);
    return { status: 200, headers: {}, stream: caller };
  }

  async #plain(
    { host, port }: KubeletAddress,
    { method, path, headers, body, signal }: TunnelRequest,
  ): Promise<TunnelResponse> {
    // The path as it is: as a part of a URL, `//host/` would lead to another server.
    const outgoing = httpsRequest({
      ...{ host, port, method, path },
      // Without it the body of a GET or DELETE would be taken for another request.
      headers: { ...headers, ...(body && { 'transfer-encoding': 'chunked' }) },
      ...this.#tls,
      agent: false,
      ...(signal && { signal }),
    });
    limitConnecting(outgoing, { host, port }, this.#options.clock);
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.on('error', reject);
      // A request that ends before it has a connection need not tell of an error.
      outgoing.once('close', () => reject(new Error('the connection closed before an answer came')));
    });
    if (body) void pipeline(body, outgoing).catch((error: Error) => outgoing.destroy(error));
    else outgoing.end();
    const response = await answer;
    const answered: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined && !ofConnection.has(name)) answered[name] = String(value);
    }
    const stream = Duplex.from(response);
    // Who reads it hears of it; it may break off before anybody does.
    stream.on('error', () => {});
    return { status: response.statusCode ?? 502, headers: answered, stream };
  }
}

/** The connection to the kubelet is not the client's. */
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function refusal({ status, body }: SpdyRefusedError): TunnelResponse {
  return { status, headers: {}, stream: Duplex.from(Readable.from([Buffer.from(body)])) };
}
