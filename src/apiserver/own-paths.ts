// The paths that name no resource and that this server answers itself: its version, health, metrics, OpenAPI documents and
// discovery, and the list of all these.

import { metricsContentType } from '../metrics/metric.ts';
import type { Clock } from '../system/clock.ts';
import { inAcceptedForm } from './discovery/accepted-form.ts';
import { discoveryResponse } from './discovery/discovery.ts';
import { methodNotAllowed, noRepresentation } from './errors.ts';
import type { Extensions } from './extensions.ts';
import { type HealthCheck, healthResponse } from './health.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import { type MediaRange, mediaRanges } from './negotiation.ts';
import type { Registry } from './registry/registry.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from './request.ts';
import type { VersionInfo } from './version.ts';

export interface OwnPathsOptions {
  readonly registry: Registry;
  readonly metrics: ApiMetrics;
  /** Their paths are listed; who answers them is asked before. */
  readonly extensions: Extensions;
  readonly healthChecks: readonly HealthCheck[];
  readonly version: VersionInfo;
  /** HOST:PORT at which clients reach the server. */
  readonly address: string;
  readonly clock: Clock;
}

export class OwnPaths {
  readonly #options: OwnPathsOptions;
  /** Seconds since the epoch, as text. */
  readonly #started: string;

  constructor(options: OwnPathsOptions) {
    this.#options = options;
    this.#started = String(Math.floor(options.clock.now() / 1000));
  }

  /** Throws a 405 StatusError where the path is there but is only to be read. */
  async answer(request: ApiRequest): Promise<ApiResponse> {
    const { registry, metrics, healthChecks, version, clock } = this.#options;
    const { path } = request;
    // Clients made from the OpenAPI document ask for the second, which stands there.
    if (path === '/version' || path === '/version/') return onlyRead(request, versionResponse(request, version));
    const health = await healthResponse(request, healthChecks, (endpoint, name, isWell) =>
      metrics.checked(endpoint, name, isWell),
    );
    if (health) return health;
    if (path === '/metrics') {
      const headers = { 'content-type': metricsContentType, 'process-start-time-unix': this.#started };
      return { status: 200, headers, body: metrics.print(registry, version) };
    }
    if (path === '/metrics/slis') {
      return { status: 200, headers: { 'content-type': metricsContentType }, body: metrics.printIndicators() };
    }
    if (path.startsWith('/openapi/')) {
      const { openApiResponse } = await import('./discovery/openapi.ts');
      const document = openApiResponse(request, registry, clock.now());
      if (document) return document;
    }
    if (path === '/') return jsonResponse(200, { paths: this.#listed() });
    return this.#discovery(request);
  }

  async #discovery(request: ApiRequest): Promise<ApiResponse> {
    const { registry, address } = this.#options;
    const { path } = request;
    const document = discoveryResponse(request, registry, address);
    if (!document) return textResponse(404, '404 page not found\n');
    const isRouted = !isListOfGroups(path) && !isCustomVersion(path, registry);
    return inAcceptedForm(request, isRouted ? onlyRead(request, document) : document, { isRouted });
  }

  #listed(): string[] {
    const paths = new Set(['/api', '/api/v1', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3']);
    for (const { group, version } of this.#options.registry.definitions) {
      if (group !== '') paths.add(`/apis/${group}`).add(`/apis/${group}/${version}`);
    }
    paths.add('/readyz').add('/version');
    for (const { path, isListed } of this.#options.extensions.paths) if (isListed) paths.add(path);
    return [...paths].sort();
  }
}

/** Upstream's route has JSON and nothing else, indented whoever asks. */
function versionResponse({ headers: { accept } }: ApiRequest, version: VersionInfo): ApiResponse {
  const isAccepted = !accept || mediaRanges(accept).some(isJson);
  if (!isAccepted) throw noRepresentation(['application/json']);
  return { ...jsonResponse(200, version), body: JSON.stringify(version, null, 2) };
}

function isJson({ type, subtype }: MediaRange): boolean {
  return type === '*' ? subtype === '*' : type === 'application' && subtype === 'json';
}

function onlyRead({ method }: ApiRequest, response: ApiResponse): ApiResponse {
  if (method !== 'GET') throw methodNotAllowed();
  return response;
}

/** `/apis` and `/apis/GROUP`, which upstream's aggregator answers whatever the method is. */
function isListOfGroups(path: string): boolean {
  return /^\/apis(?:\/[^/]+)?\/?$/.test(path);
}

/** `/apis/GROUP/VERSION` of custom resources, which is answered whatever the method is, as lists of groups are. */
function isCustomVersion(path: string, { definitions }: Registry): boolean {
  const [, group, version] = path.slice(1).split('/');
  return definitions.some((one) => one.schema !== undefined && one.group === group && one.version === version);
}
