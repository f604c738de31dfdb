// A whole API server over storage in memory, for tests: requests in, answers out, no sockets and no credentials.
import { builtinResources } from '../../api/registry.ts';
import { builtinSchemas } from '../../api/schema.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Clock } from '../../system/clock.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { ApiServer, type ApiServerOptions } from '../api-server.ts';
import type { User } from '../request.ts';
import { versionInfo } from '../version.ts';
import { WatchCache } from '../watch-cache/watch-cache.ts';

type Json = Record<string, unknown>;

export interface Answer<T = KubeObject & Json> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: T;
  /** Texts of the Warning header. */
  readonly warnings: readonly string[];
}

export interface TestServer<C extends Clock = FakeClock> {
  readonly server: ApiServer;
  readonly storage: Storage;
  readonly clock: C;
  /** Sends a JSON body, or a patch of the type given. */
  send<T = KubeObject & Json>(method: string, url: string, body?: unknown, type?: string): Promise<Answer<T>>;
  /** The same as somebody else than an administrator. */
  sendAs<T = KubeObject & Json>(
    user: User,
    request: { method: string; url: string; body?: unknown },
  ): Promise<Answer<T>>;
  stop(): void;
}

export interface TestServerOptions<C extends Clock> extends Partial<ApiServerOptions> {
  /** Shared by several servers. */
  readonly storage?: Storage;
  /** Default: one that stands still. */
  readonly clock?: C;
}

const admin: User = { name: 'test', groups: ['system:masters'] };

export async function startTestServer<C extends Clock = FakeClock>(
  options: TestServerOptions<C> = {},
): Promise<TestServer<C>> {
  const stop = new AbortController();
  const storage = options.storage ?? new MemoryStorage();
  const clock = options.clock ?? (new FakeClock() as Clock as C);
  const server = new ApiServer({
    definitions: builtinResources(),
    schemas: builtinSchemas(),
    authenticator: { authenticate: async () => admin },
    authorizer: { authorize: () => ({ allowed: true }) },
    extensions: { connect: {}, virtual: {}, paths: [] },
    hooks: {},
    healthChecks: [],
    version: versionInfo('0.0.0', { arch: 'x64', node: '26' }),
    address: 'localhost:6443',
    random: new FakeRandom(),
    onError: (error) => {
      throw error;
    },
    ...options,
    storage,
    clock,
    cache: new WatchCache(storage, clock),
  });
  await storage.transact({ compare: [], operations: [{ type: 'put', key: '/portico/store-format', value: '1' }] });
  await server.load();
  void server.run(stop.signal);

  async function sendAs<T>(
    user: User,
    given: { readonly method: string; readonly url: string; readonly body?: unknown; readonly type?: string },
  ): Promise<Answer<T>> {
    const [path = '', query = ''] = given.url.split('?', 2);
    const bytes = given.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(given.body));
    const response = await server.handle({
      method: given.method,
      path,
      query: new URLSearchParams(query),
      headers: { 'content-type': given.type ?? 'application/json', 'content-length': String(bytes.length) },
      body: async () => bytes,
      signal: stop.signal,
      trustedUser: user,
    });
    const chunks: Buffer[] = [];
    const { body } = response;
    if (typeof body === 'string' || body instanceof Uint8Array) chunks.push(Buffer.from(body));
    else if (Symbol.asyncIterator in body) for await (const chunk of body) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString();
    const { status, headers } = response;
    return { status, headers, body: JSON.parse(text) as T, warnings: warningsIn(headers.warning) };
  }
  return {
    server,
    storage,
    clock,
    send: (method, url, body, type) => sendAs(admin, { method, url, body, ...(type !== undefined && { type }) }),
    sendAs,
    stop: () => stop.abort(),
  };
}

function warningsIn(header: string | readonly string[] | undefined): string[] {
  return [header ?? []].flat().map((text) => /^299 - "(.*)"$/.exec(text)?.[1] ?? text);
}
