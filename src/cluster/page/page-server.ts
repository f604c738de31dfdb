// The page over HTTP, on a loopback address only: its files for whoever asks, what the cluster holds for sessions alone.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { readBody, type User } from '../../apiserver/request.ts';
import type { Client } from '../../client/types.ts';
import { answerHalfClosed, http } from '../../system/http.ts';
import type { Explainer } from './explainer.ts';
import type { LiveStream } from './live-stream.ts';
import type { Session, Sessions } from './sessions.ts';
import { staticFile } from './static-files.ts';

export interface PageServerOptions {
  /** Where the built page is. */
  readonly folder: string;
  readonly sessions: Sessions;
  readonly explainer: Explainer;
  readonly stream: LiveStream;
  readonly clientOf: (user: User) => Client;
  readonly onError: (error: unknown) => void;
}

/** Nothing from elsewhere, nothing into elsewhere, no frame around it. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export class PageServer {
  readonly #options: PageServerOptions;
  #port = 0;

  constructor(options: PageServerOptions) {
    this.#options = options;
  }

  /** Takes `wanted` of 127.0.0.1, or a free port where that is taken, until the signal aborts. Resolves with the port. */
  async listen(signal: AbortSignal, wanted = 0): Promise<number> {
    const server = http.createServer((request, response) => void this.#handle(request, response));
    answerHalfClosed(server);
    await listening(server, wanted).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      return listening(server, 0);
    });
    this.#port = (server.address() as AddressInfo).port;
    signal.addEventListener('abort', () => {
      server.close();
      server.closeAllConnections();
    });
    return this.#port;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    try {
      this.#requireOwn(request);
      const url = URL.parse(request.url ?? '/', 'http://page');
      if (!url) throw new StatusError({ code: 404, reason: 'NotFound', message: `there is no ${request.url}` });
      if (url.pathname.startsWith('/api/')) await this.#api(url, request, response);
      else this.#file(url.pathname, request, response);
    } catch (error) {
      const isTold = error instanceof StatusError;
      if (!isTold) this.#options.onError(error);
      const message = errorMessage(error);
      if (response.headersSent) response.destroy();
      else sendJson(response, isTold ? error.status.code : 500, { message });
    }
  }

  /** A name that leads here by somebody's DNS is not ours, and neither is a page of another origin. */
  #requireOwn({ headers }: IncomingMessage): void {
    const hosts = [`127.0.0.1:${this.#port}`, `localhost:${this.#port}`];
    const { host = '', origin } = headers;
    if (!hosts.includes(host)) throw refused(`the page is at ${hosts[0]}, not at ${host}`);
    if (origin !== undefined && origin !== `http://${host}`) throw refused(`requests from ${origin} are not taken`);
  }

  #file(path: string, { method }: IncomingMessage, response: ServerResponse): void {
    const file = method === 'GET' || method === 'HEAD' ? staticFile(this.#options.folder, path) : undefined;
    if (!file) throw new StatusError({ code: 404, reason: 'NotFound', message: `there is no ${path}` });
    const { type, bytes, isImmutable } = file;
    response.writeHead(200, {
      'content-type': type,
      'content-length': bytes.length,
      'cache-control': isImmutable ? 'public, max-age=31536000, immutable' : 'no-store',
    });
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  async #api(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sessions, explainer, stream, clientOf } = this.#options;
    const route = `${request.method} ${url.pathname.slice('/api/'.length)}`;
    if (route === 'POST session') {
      const { code } = (await bodyOf(request)) as { code?: unknown };
      const token = sessions.exchange(String(code ?? ''));
      if (token === undefined) throw unauthorized('the link was used before, or is too old');
      return sendJson(response, 200, { token });
    }
    const { user, ...known } = this.#sessionOf(request);
    const { searchParams: query } = url;
    const at = query.get('at');
    switch (route) {
      case 'GET stream':
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        return stream.add(response);
      case 'GET history':
        return sendJson(response, 200, explainer.history());
      case 'GET picture':
        return sendJson(response, 200, await explainer.picture(at));
      case 'GET story': {
        const mode = query.get('mode') ?? known.proxyMode;
        return sendJson(response, 200, await explainer.story(query.get('service') ?? '', at, mode));
      }
      case 'GET connections':
        return sendJson(response, 200, await explainer.connections(clientOf(user)));
      case 'GET trace':
        return sendJson(response, 200, await explainer.trace(query, known));
      case 'POST plan':
        return sendJson(
          response,
          200,
          await explainer.plan(await bodyOf(request), { client: clientOf(user), ...known }),
        );
      default:
        throw new StatusError({ code: 404, reason: 'NotFound', message: `there is no ${route}` });
    }
  }

  #sessionOf({ headers }: IncomingMessage): Session {
    const [, token = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
    const session = this.#options.sessions.find(token);
    if (!session) throw unauthorized('no session: ask for a link with `portico ui`');
    return session;
  }
}

async function listening(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port }, resolve);
  await promise;
  server.off('error', reject);
}

async function bodyOf(request: IncomingMessage): Promise<object> {
  const bytes = await readBody(request);
  const value = parsed(Buffer.from(bytes).toString());
  if (isObject(value)) return value;
  throw new StatusError({ code: 400, reason: 'BadRequest', message: 'the body is no object of JSON' });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

const unauthorized = (message: string) => new StatusError({ code: 401, reason: 'Unauthorized', message });
const refused = (message: string) => new StatusError({ code: 403, reason: 'Forbidden', message });
