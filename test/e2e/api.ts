// A bare HTTP/2 client of an API server, for tests that count answers: many requests at once over one connection.
import { type ClientHttp2Session, connect } from 'node:http2';

export interface ApiAnswer<T = Record<string, unknown>> {
  readonly status: number;
  readonly body: T;
}

export interface ApiConnection {
  /** Rejects when the connection breaks before the answer is whole. */
  send<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>>;
  /** The events of a watch as they come; ends with the connection. */
  watch(path: string, onEvent: (event: { readonly type: string; readonly object: NamedObject }) => void): Promise<void>;
  close(): void;
}

export interface NamedObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
}

export interface NamedList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly NamedObject[];
}

export function connectApi(url: string, token: string): ApiConnection {
  const session: ClientHttp2Session = connect(url, { rejectUnauthorized: false });
  session.on('error', () => {});
  const open = (method: string, path: string) =>
    session.request({
      ':method': method,
      ':path': path,
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    });
  return {
    send: <T>(method: string, path: string, body?: unknown) =>
      new Promise<ApiAnswer<T>>((resolve, reject) => {
        const stream = open(method, path);
        let status = 0;
        let text = '';
        stream.on('response', (headers) => {
          status = Number(headers[':status']);
        });
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        stream.on('error', reject);
        stream.on('close', () => reject(new Error('the connection broke')));
        stream.on('end', () => {
          try {
            resolve({ status, body: JSON.parse(text) as T });
          } catch (cause) {
            // It broke before the answer was whole.
            reject(new Error('the connection broke', { cause }));
          }
        });
        stream.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    watch: (path, onEvent) =>
      new Promise<void>((done) => {
        const stream = open('GET', path);
        let rest = '';
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onEvent(JSON.parse(line));
        });
        stream.on('error', () => {});
        stream.on('close', done);
        stream.end();
      }),
    close: () => session.destroy(),
  };
}
