// The page in the API server's process: its history from the start, all else when somebody asks for a link.
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import type { Authorizer } from '../../apiserver/access-control.ts';
import type { PathHandler } from '../../apiserver/extensions.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, type User } from '../../apiserver/request.ts';
import { parseRequestInfo } from '../../apiserver/request-info.ts';
import type { Client, Transport } from '../../client/types.ts';
import type { WorldFollower } from '../../explain/history/world-follower.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { realFiles } from '../../system/real/files.ts';
import type { ClusterSettings } from '../cluster-settings.ts';
import type { Explainer } from './explainer.ts';
import type { HistoryFile } from './history-file.ts';
import { PageFile } from './page-file.ts';
import { historyPath, linksPath } from './paths.ts';
import type { KnownNetwork, Sessions } from './sessions.ts';

export interface PageOptions {
  readonly transport: (user: User) => Transport;
  readonly authorizer: Authorizer;
  readonly settings: ClusterSettings;
  /** Where the history, and who looks at the page, are kept over the end of this process; absent: they are not. */
  readonly historyFolder?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown, what: string) => void;
}

const follower: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
/** Who looks at the page sees all of these. */
const shown = ['/api/v1/nodes', '/api/v1/pods', '/api/v1/services', '/apis/discovery.k8s.io/v1/endpointslices'];

/** The page opens first; then a trace or two are followed that nobody asked for, with time for others in between. */
const quietMs = 2000;
const betweenMs = 200;
const warmUps = 4;

interface Open {
  readonly url: string;
  readonly sessions: Sessions;
}

interface Running {
  readonly world: WorldFollower;
  readonly explainer: Explainer;
  readonly signal: AbortSignal;
}

export class Page {
  readonly #options: PageOptions;
  readonly #running = Promise.withResolvers<Running>();
  readonly #file: PageFile | undefined;
  #open: Promise<Open> | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
    const { historyFolder } = options;
    this.#file = historyFolder === undefined ? undefined : new PageFile(realFiles, historyFolder);
  }

  readonly paths: readonly PathHandler[] = [
    { path: linksPath, handle: (request, user) => this.#newLink(request, user) },
    { path: historyPath, handle: (request, user) => this.#history(request, user) },
  ];

  /** Keeps history, and serves the page once it was asked for, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onError, transport, settings } = this.#options;
    const [{ WorldFollower }, { Explainer }, { createClient }] = await Promise.all([
      import('../../explain/history/world-follower.ts'),
      import('./explainer.ts'),
      import('../../client/rest-client.ts'),
    ]);
    const client = createClient(transport(follower));
    const keeper = await this.#keeper(client);
    const world = new WorldFollower({ client, clock, random, onError, keeper });
    this.#running.resolve({ world, explainer: new Explainer(world, settings), signal });
    void this.#resume();
    await Promise.all([world.run(signal), keeper?.run(signal)]);
  }

  /** Pages that were open before this server began come back by themselves, and need the page at its port. */
  async #resume(): Promise<void> {
    const { clock, onError } = this.#options;
    try {
      const kept = await this.#file?.read(clock.now());
      if (kept && kept.sessions.length > 0) await this.#opened();
    } catch (error) {
      onError(error, 'page');
    }
  }

  #opened(): Promise<Open> {
    this.#open ??= this.#serve();
    this.#open.catch(() => {
      this.#open = undefined;
    });
    return this.#open;
  }

  async #keeper(client: Client): Promise<HistoryFile | undefined> {
    const { historyFolder: dataDir, clock, onError } = this.#options;
    if (dataDir === undefined) return undefined;
    const { HistoryFile } = await import('./history-file.ts');
    return new HistoryFile({ dataDir, client, clock, onError: (error) => onError(error, 'history') });
  }

  async #newLink(request: ApiRequest, user: User | undefined): Promise<ApiResponse> {
    if (request.method !== 'POST') throw methodNotAllowed(request);
    const asking = await this.#requireReader(user);
    const known = knownNetwork(await request.body());
    const { url, sessions } = await this.#opened();
    return jsonResponse(201, { url: `${url}/#${sessions.newCode({ user: asking, ...known })}` });
  }

  async #history(request: ApiRequest, user: User | undefined): Promise<ApiResponse> {
    if (request.method !== 'GET') throw methodNotAllowed(request);
    await this.#requireReader(user);
    const { world, explainer } = await this.#running.promise;
    await world.ready;
    return jsonResponse(200, explainer.at(request.query.get('at')));
  }

  async #requireReader(user: User | undefined): Promise<User> {
    const { authorizer } = this.#options;
    if (!user) throw forbidden('system:anonymous', shown[0]!);
    for (const path of shown) {
      const info = parseRequestInfo('GET', path, new URLSearchParams());
      const { allowed } = await authorizer.authorize({ user, verb: 'list', info });
      if (!allowed) throw forbidden(user.name, path);
    }
    return user;
  }

  async #serve(): Promise<Open> {
    const { clock, random, onError, transport } = this.#options;
    const [{ PageServer }, { LiveStream }, { Sessions }, { pageFolder }, { createClient }] = await Promise.all([
      import('./page-server.ts'),
      import('./live-stream.ts'),
      import('./sessions.ts'),
      import('./static-files.ts'),
      import('../../client/rest-client.ts'),
    ]);
    const folder = pageFolder();
    if (folder === undefined) {
      const message = 'the page is not built: run `npm run build:ui` in the checkout';
      throw new StatusError({ code: 503, reason: 'ServiceUnavailable', message });
    }
    const { world, explainer, signal } = await this.#running.promise;
    await world.ready;
    let port = 0;
    const kept = await this.#file?.read(clock.now());
    const onChange = () => {
      this.#file?.write({ port, sessions: sessions.kept() }).catch((error: unknown) => onError(error, 'page'));
    };
    const sessions = new Sessions({ clock, random, onChange, ...(kept && { kept: kept.sessions }) });
    const stream = new LiveStream(world, clock);
    stream.start(signal);
    const clientOf = (user: User) => createClient(transport(user));
    const server = new PageServer({
      folder,
      sessions,
      explainer,
      stream,
      clientOf,
      onError: (error) => onError(error, 'page'),
    });
    port = await server.listen(signal, kept?.port);
    void this.#warmUp(explainer, signal);
    return { url: `http://127.0.0.1:${port}`, sessions };
  }

  /** The first trace that somebody asks for then does not wait until its code is read and compiled. */
  async #warmUp(explainer: Explainer, signal: AbortSignal): Promise<void> {
    const { clock, onError } = this.#options;
    try {
      for (let i = 0; i < warmUps; i++) {
        await clock.sleep(i === 0 ? quietMs : betweenMs, signal);
        await explainer.traceSomething();
      }
    } catch (error) {
      if (!signal.aborted) onError(error, 'page');
    }
  }
}

function knownNetwork(bytes: Uint8Array): KnownNetwork {
  if (bytes.length === 0) return {};
  try {
    const { proxyMode, reach } = JSON.parse(Buffer.from(bytes).toString()) as Record<keyof KnownNetwork, unknown>;
    return {
      ...(typeof proxyMode === 'string' && { proxyMode }),
      ...(Array.isArray(reach) && { reach: reach.map(String) }),
    };
  } catch (error) {
    if (error instanceof SyntaxError) throw badRequest('the body is no JSON');
    throw error;
  }
}

function methodNotAllowed({ method }: ApiRequest): StatusError {
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message: `${method} is not taken here` });
}

function forbidden(user: string, path: string): StatusError {
  const message = `forbidden: User "${user}" cannot list ${path}, which the page shows`;
  return new StatusError({ code: 403, reason: 'Forbidden', message, details: {} });
}
