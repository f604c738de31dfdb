// TLS to an endpoint of a Service, as remote APIs and webhooks are reached.
import { addAbortSignal, type Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** Milliseconds, as of Go's transports: a server may take a connection and then say nothing. */
const handshakeTimeout = 10_000;

export interface ServiceTls extends Pick<ConnectionOptions, 'cert' | 'key' | 'rejectUnauthorized'> {
  /** The certificate must be for NAME.NAMESPACE.svc. */
  readonly service: { readonly name?: string; readonly namespace?: string };
  /** Base64 of PEM; without it the machine's authorities count. */
  readonly caBundle?: string | undefined;
  /** Opens the connection to the endpoint. */
  readonly dial: () => Promise<Duplex>;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when the server has shown who it is; rejects where it does not, or when the signal aborts first. */
export async function connectToService({ service, caBundle, dial, signal, ...own }: ServiceTls): Promise<TLSSocket> {
  const raw = await unlessAborted(dial(), signal);
  const socket = connect({
    ...own,
    socket: raw,
    servername: `${service.name}.${service.namespace}.svc`,
    ...(caBundle && { ca: Buffer.from(caBundle, 'base64') }),
    ALPNProtocols: ['http/1.1'],
  });
  if (signal) addAbortSignal(signal, socket);
  const late = () => socket.destroy(new Error('net/http: TLS handshake timeout'));
  socket.setTimeout(handshakeTimeout, late);
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => {
      socket.setTimeout(0, late);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
    raw.once('error', reject);
  });
}

/** A connection that comes too late goes. */
async function unlessAborted(dialling: Promise<Duplex>, signal: AbortSignal | undefined): Promise<Duplex> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([dialling, aborted.promise]);
  } catch (error) {
    dialling.then(
      (raw) => raw.destroy(),
      () => {},
    );
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
