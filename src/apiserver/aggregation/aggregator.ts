// All remote APIs: requests to them, their place in discovery, and their conditions.
import { createHash } from 'node:crypto';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { availableCondition } from '../../api/apiregistration/v1/apiservice/index.ts';
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Transport } from '../../client/types.ts';
import { registryPrefix } from '../../storage/registry-keys.ts';
import type { Clock } from '../../system/clock.ts';
import type { Aggregation } from '../extensions.ts';
import { ownWrite } from '../own-write.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse, type User } from '../request.ts';
import type { WatchCache } from '../watch-cache/watch-cache.ts';
import { builtinServices, customServices, type GroupVersion, planServices } from './local-services.ts';
import {
  type ApiGroup,
  apiGroup,
  type GroupDiscovery,
  mergeAggregated,
  mergeGroups,
  mergeSwagger,
  orderedGroups,
  versionDiscovery,
} from './merge.ts';
import { isRemote, RemoteApi, type RemoteApiParts } from './remote-api.ts';
import type { ServedApi } from './served-api.ts';
import type { Verdict } from './service-target.ts';

type StoredService = Readonly<APIService & KubeObject>;

export interface AggregatorOptions extends RemoteApiParts {
  readonly cache: WatchCache;
  readonly clock: Clock;
  /** The groups and versions that this server itself answers for, custom ones aside. */
  readonly builtin: readonly GroupVersion[];
  /** By `group/version`: what this server answers itself, once an APIService without a Service asks for it. */
  readonly own?: Readonly<Record<string, ServedApi>>;
  readonly onError: (error: unknown) => void;
}

const apiServices = { group: 'apiregistration.k8s.io', resource: 'apiservices' };
const definitions = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };
const path = '/apis/apiregistration.k8s.io/v1/apiservices';
/** How often remote APIs are asked whether they are still there; those that are not, sooner, and then less and less often. */
const periodMs = 30_000;
const firstRetryMs = 100;
/** Changes that come together are looked at together. */
const settleMs = 50;
/** What the conditions depend on; of the last two only while there are remote APIs. */
const watched = ['apiregistration.k8s.io/apiservices', 'apiextensions.k8s.io/customresourcedefinitions'];
const watchedForRemotes = ['core/services', 'discovery.k8s.io/endpointslices'];

/** Documents that tell of remote APIs too. */
const merged = new Set(['/apis', '/openapi/v2', '/openapi/v3']);

interface Known {
  readonly spec: string;
  readonly api: ServedApi;
  readonly service: StoredService;
}

export class Aggregator implements Aggregation {
  readonly #options: AggregatorOptions;
  /** By `group/version`. */
  #known: ReadonlyMap<string, Known> = new Map();
  #knownAt = -1;

  constructor(options: AggregatorOptions) {
    this.#options = options;
  }

  get #services(): readonly StoredService[] {
    return this.#options.view.list<APIService & KubeObject>(apiServices);
  }

  #remotes(): ReadonlyMap<string, Known> {
    const at = this.#options.view.lastChange(apiServices);
    if (at === this.#knownAt) return this.#known;
    const known = new Map<string, Known>();
    for (const service of this.#services) {
      const key = `${service.spec.group ?? ''}/${service.spec.version ?? ''}`;
      const spec = JSON.stringify(service.spec);
      const old = this.#known.get(key);
      const api = old?.spec === spec ? old.api : this.#apiOf(service, key);
      if (api) known.set(key, { spec, service, api });
    }
    for (const [key, { api }] of this.#known) if (known.get(key)?.api !== api) api.close();
    this.#known = known;
    this.#knownAt = at;
    return known;
  }

  #apiOf(service: StoredService, key: string): ServedApi | undefined {
    return isRemote(service) ? new RemoteApi(service, this.#options) : this.#options.own?.[key];
  }

  answer(request: ApiRequest, user: User, auditID: string): Promise<ApiResponse> | undefined {
    const remotes = this.#remotes();
    if (remotes.size === 0) return undefined;
    const [, root, group = '', version = '', ...more] = request.path.split('/');
    if (root === 'openapi' && group === 'v3' && version === 'apis') {
      const known = remotes.get(more.join('/'));
      return known && this.#ask(known, request, { user, auditID });
    }
    if (root !== 'apis') return undefined;
    const known = remotes.get(`${group}/${version}`);
    if (known) return this.#ask(known, request, { user, auditID });
    const isGroup = version === '' && [...remotes.keys()].some((key) => key.startsWith(`${group}/`));
    const found = isGroup ? apiGroup(orderedGroups(this.#services), group) : undefined;
    return found && Promise.resolve(jsonResponse(200, { kind: 'APIGroup', apiVersion: 'v1', ...found }));
  }

  #ask(
    { service, api }: Known,
    request: ApiRequest,
    { user, auditID }: { readonly user: User; readonly auditID: string },
  ): Promise<ApiResponse> {
    if (availableCondition(service)?.status === 'True') return api.answer(request, user, auditID);
    return Promise.resolve(textResponse(503, 'service unavailable\n'));
  }

  async merge(request: ApiRequest, own: (request: ApiRequest) => Promise<ApiResponse>): Promise<ApiResponse> {
    const remotes = this.#remotes();
    const requestPath = request.path.replace(/\/$/, '');
    if (remotes.size === 0 || !merged.has(requestPath)) return own(request);
    const response = await own(unconditional(request));
    const { body } = response;
    const isWhole = typeof body === 'string' || body instanceof Uint8Array;
    const isJson = String(response.headers['content-type'] ?? '').startsWith('application/json');
    // What another encoding says of this server stands as it is.
    if (response.status !== 200 || !isWhole || !isJson) return response;
    if (requestPath === '/apis') return this.#mergedGroups(request, response, remotes);
    return requestPath === '/openapi/v3'
      ? this.#mergedIndex(response, remotes)
      : this.#mergedSwagger(response, remotes);
  }

  #mergedGroups(request: ApiRequest, response: ApiResponse, remotes: ReadonlyMap<string, Known>): ApiResponse {
    const document = parse(response) as { groups?: ApiGroup[]; items?: GroupDiscovery[] };
    if (document.groups)
      return jsonResponse(200, { ...document, groups: mergeGroups(document.groups, this.#services) });
    const discovered = [...remotes].map(([key, { api, service }]) => {
      const { group = '', version = '' } = service.spec;
      // What a server said that is away now is stale.
      const resources = availableCondition(service)?.status === 'True' ? api.resources : undefined;
      return [key, versionDiscovery(group, version, resources)] as const;
    });
    const items = mergeAggregated(document.items ?? [], this.#services, new Map(discovered));
    return withEntityTag(request, response, `${JSON.stringify({ ...document, items })}\n`);
  }

  #mergedIndex(response: ApiResponse, remotes: ReadonlyMap<string, Known>): ApiResponse {
    const index = parse(response) as { paths?: Record<string, { serverRelativeURL: string }> };
    const paths = { ...index.paths };
    for (const [key, { api }] of remotes) {
      paths[`apis/${key}`] = { serverRelativeURL: api.documentUrl ?? `/openapi/v3/apis/${key}` };
    }
    return { ...response, body: `${JSON.stringify({ ...index, paths })}\n` };
  }

  async #mergedSwagger(response: ApiResponse, remotes: ReadonlyMap<string, Known>): Promise<ApiResponse> {
    let document = parse(response) as Record<string, unknown>;
    for (const [key, { api, service }] of remotes) {
      if (availableCondition(service)?.status !== 'True') continue;
      try {
        document = { ...mergeSwagger(document, JSON.parse(await api.fetch('/openapi/v2')), key) };
      } catch {
        // A server that has gone just now, or has no such document, adds nothing to it.
      }
    }
    const { etag: _etag, ...headers } = response.headers;
    return { ...response, headers, body: JSON.stringify(document) };
  }

  /** The APIServices that stand for what is built in. */
  builtinServices(): APIService[] {
    return builtinServices(this.#options.builtin);
  }

  /** Makes what is missing of APIServices and keeps their conditions, through the API itself, until the signal aborts. */
  async run(transport: Transport, signal: AbortSignal): Promise<void> {
    const { cache, clock, onError } = this.#options;
    let woken = Promise.withResolvers<void>();
    const wake = () => woken.resolve();
    const subscribe = (names: readonly string[], listener: () => void) =>
      names.map((name) => cache.resource(`${registryPrefix}${name}/`).subscribe(listener));
    const stops = [
      ...subscribe(watched, wake),
      ...subscribe(watchedForRemotes, () => {
        if (this.#known.size > 0) wake();
      }),
    ];
    let retries = 0;
    while (!signal.aborted) {
      woken = Promise.withResolvers();
      const isWell = await this.#sync(transport).catch(onError);
      const retryMs = firstRetryMs * 2 ** retries++;
      const late = new AbortController();
      const stop = AbortSignal.any([signal, late.signal]);
      const sleep = clock.sleep(isWell === false ? Math.min(retryMs, periodMs) : periodMs, stop);
      const change = woken.promise.then(() => {
        retries = 0;
      });
      await Promise.race([sleep.catch(() => {}), change]);
      late.abort();
      await clock.sleep(settleMs, signal).catch(() => {});
    }
    for (const stop of stops) stop();
    for (const { api } of this.#known.values()) api.close();
  }

  /** False: an API is not available that may be sooner than anybody tells. */
  async #sync(transport: Transport): Promise<boolean> {
    const { view } = this.#options;
    const custom = customServices(view.list<CustomResourceDefinition & KubeObject>(definitions));
    await this.#register(transport, custom);
    const { remove } = planServices(custom, this.#services);
    for (const name of remove) await ownWrite(transport, { method: 'DELETE', path: `${path}/${name}` });
    const verdicts = await Promise.all([...this.#remotes().values()].map((known) => this.#check(known, transport)));
    return verdicts.every(({ reason }) => reason !== 'FailedDiscoveryCheck');
  }

  async #register(transport: Transport, wanted: readonly APIService[]): Promise<void> {
    const { create } = planServices(wanted, this.#services);
    await Promise.all(create.map((service) => ownWrite(transport, { method: 'POST', path, body: service })));
  }

  async #check({ service, api }: Known, transport: Transport): Promise<Verdict> {
    const verdict = await api.check(service);
    const old = availableCondition(service);
    if (old && sameVerdict(old, verdict)) return verdict;
    const now = formatTime(this.#options.clock.now());
    const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : now;
    const others = service.status?.conditions?.filter(({ type }) => type !== 'Available') ?? [];
    const available = { type: 'Available', lastTransitionTime, ...verdict };
    const status = { ...service.status, conditions: [...others, available] };
    const place = `${path}/${service.metadata.name}/status`;
    await ownWrite(transport, { method: 'PUT', path: place, body: { ...service, status } });
    return verdict;
  }
}

/** Without If-None-Match, which is for the merged document and not for this server's own. */
function unconditional(request: ApiRequest): ApiRequest {
  const { method, path, query, signal } = request;
  const { 'if-none-match': _etag, ...headers } = request.headers;
  return { method, path, query, headers, signal, body: () => request.body() };
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message;
}

function parse({ body }: ApiResponse): unknown {
  return JSON.parse(typeof body === 'string' ? body : Buffer.from(body as Uint8Array).toString());
}

function withEntityTag(request: ApiRequest, response: ApiResponse, body: string): ApiResponse {
  const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
  const headers = { ...response.headers, etag };
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
  return { status: 200, headers, body };
}
