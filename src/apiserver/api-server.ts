// The API server as a function from requests to responses. Authentication, authorization, then the handler of what the
// path names. It never throws: whatever goes wrong becomes a Status.

import type { Duplex } from 'node:stream';
import type { ResourceDefinition } from '../api/resource.ts';
import type { Schemas } from '../api/schema.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import { parseExactly } from '../apimachinery/json/int64.ts';
import { andThen, type Later } from '../apimachinery/later.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { internalError, StatusError } from '../apimachinery/status.ts';
import { type Storage, TooLargeError } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import type { Attributes, Authenticator, Authorizer, Decision } from './access-control.ts';
import { type PluginSelection, selectPlugins } from './admission/plugins.ts';
import { PolicyStatus } from './admission/policies/status.ts';
import type { DialTarget } from './aggregation/service-target.ts';
import type { Auditor } from './audit/auditor.ts';
import { NotAuditedError } from './audit/not-audited.ts';
import { forbiddenError, undecidedResponse } from './authorization/messages.ts';
import { Compactor } from './compaction.ts';
import { CustomResources } from './custom-resources/custom-resources.ts';
import { DefinitionRules } from './custom-resources/definition-rules.ts';
import type { ReviewSender } from './custom-resources/served-set.ts';
import { isPretty, statusInAcceptedForm } from './encoding.ts';
import { EventExpiry } from './event-expiry.ts';
import { attributesOf, type Exchange } from './exchange.ts';
import type { Aggregation, Extensions, PathHandler } from './extensions.ts';
import { Flows } from './flowcontrol/flows.ts';
import { defaultLimits, InFlight, type InFlightLimits, tooManyRequests } from './flowcontrol/in-flight.ts';
import { handleResource } from './handlers/dispatch.ts';
import { createOwnObject, type OwnObject } from './handlers/own-object.ts';
import { warningHeaders } from './handlers/render.ts';
import type { ResourceRequest, ServerParts } from './handlers/resource-request.ts';
import { connectSubresources, routeTo } from './handlers/route.ts';
import type { HealthCheck } from './health.ts';
import { Identification } from './identification.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';
import { MeteredAdmission } from './metrics/metered-admission.ts';
import { countWebhook } from './metrics/webhook-metrics.ts';
import { negotiate, type ResponseFormat } from './negotiation.ts';
import { OwnPaths } from './own-paths.ts';
import type { RegistryHooks } from './registry/hooks.ts';
import { QuotaLedger } from './registry/quota/ledger.ts';
import { Registry } from './registry/registry.ts';
import {
  type ApiRequest,
  type ApiResponse,
  isHttp2,
  requestUri,
  statusResponse,
  textResponse,
  type User,
  WentAwayError,
} from './request.ts';
import { namedBySelector, parseRequestInfo, type RequestInfo } from './request-info.ts';
import { answerWithin, timeoutOf } from './request-timeout.ts';
import { dialDirectly } from './tunnel/dial.ts';
import type { VersionInfo } from './version.ts';
import type { WatchCache } from './watch-cache/watch-cache.ts';

export interface ApiServerOptions {
  readonly storage: Storage;
  /** Loaded, or loaded by {@link ApiServer.load}. */
  readonly cache: WatchCache;
  readonly definitions: readonly ResourceDefinition[];
  readonly schemas: Schemas;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly extensions: Extensions;
  /** Other servers work on the same storage: one of them compacts it. */
  readonly isStorageShared?: boolean;
  /** By `services`, or `deployments.apps`. */
  readonly hooks: Readonly<Record<string, RegistryHooks<KubeObject>>>;
  /** Calls conversion webhooks of custom resources; absent: they cannot be reached. */
  readonly reviewSender?: ReviewSender;
  /** Opens connections to endpoints of Services, for webhooks; default: from here. */
  readonly dial?: (target: DialTarget) => Promise<Duplex>;
  /** Milliseconds after their last write for which events are kept (`--event-ttl`). Default: an hour. */
  readonly eventTtl?: number;
  /** Names of admission plugins that are on, or off, other than by default. */
  readonly admissionPlugins?: PluginSelection;
  readonly healthChecks: readonly HealthCheck[];
  readonly version: VersionInfo;
  /** Undefined: no other server answers for a group. */
  readonly aggregation?: Aggregation;
  /** Where others count too. */
  readonly metrics?: ApiMetrics;
  /** Default: kube-apiserver's. */
  readonly limits?: InFlightLimits;
  /** Milliseconds for every request that is to end. Default: a minute, for those that say `?timeout=`. */
  readonly requestTimeout?: number | undefined;
  /** Milliseconds that a watch lasts at least that says nothing of it. Default: half an hour. */
  readonly minRequestMs?: number | undefined;
  /** Undefined: there is no audit log. */
  readonly auditor?: Auditor | undefined;
  /** HOST:PORT at which clients reach the server. */
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of errors that are ours: a bug, or storage that fails. */
  readonly onError: (error: unknown) => void;
}

/** Upstream's limit on a conversion (apiextensions conversion webhook). */
const conversionTimeoutSeconds = 30;

const closing = { connection: 'close' };

const usualEventTtl = 3_600_000;

/** Who decides by default, as metrics name it. */
const rbac = { type: 'RBAC', name: 'rbac' };

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #parts: ServerParts;
  readonly #metrics: ApiMetrics;
  readonly #inFlight: InFlight;
  /** Undefined where FlowSchemas are not among the definitions. */
  readonly #flows: Flows | undefined;
  readonly #ownPaths: OwnPaths;
  /** Undefined where CustomResourceDefinitions are not among the definitions. */
  readonly #customResources: CustomResources | undefined;
  readonly #policyStatus: PolicyStatus | undefined;
  readonly #identification: Identification;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? new ApiMetrics();
    const errorResponse = (error: unknown) => this.#errorResponse(error);
    this.#identification = new Identification({ ...options, metrics: this.#metrics, errorResponse });
    const { limits = defaultLimits } = options;
    this.#inFlight = new InFlight(limits, { clock: options.clock, metrics: this.#metrics });
    const { cache, clock, random } = options;
    const { admissionPlugins = { enabled: [], disabled: [] } } = options;
    const ledger = admissionPlugins.disabled.includes('ResourceQuota') ? undefined : new QuotaLedger(cache, clock);
    const definitionRules = new DefinitionRules();
    const registry = new Registry({
      ...options,
      ledger,
      definitions: definitionRules.among(options.definitions),
      hooks: { ...definitionRules.hooks(), ...options.hooks },
    });
    if (registry.find('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas')) this.#flows = new Flows(registry);
    this.#parts = {
      registry,
      cache,
      admission: new MeteredAdmission(
        {
          registry,
          random,
          clock,
          schemas: options.schemas,
          authorizer: options.authorizer,
          dial: options.dial ?? dialDirectly,
          plugins: selectPlugins(admissionPlugins),
          webhookAsked: (outcome) => countWebhook(this.#metrics, outcome),
        },
        { step: this.#metrics.admission, plugin: this.#metrics.admissionPlugins },
      ),
      schemas: options.schemas,
      extensions: options.extensions,
      metrics: this.#metrics,
      clock,
      random,
      minRequestMs: options.minRequestMs,
    };
    this.#ownPaths = new OwnPaths({ ...options, registry, metrics: this.#metrics });
    const send: ReviewSender = async ({ clientConfig = {} }, review) => {
      const { callWebhook } = await import('./admission/webhooks/call.ts');
      const call = { clientConfig, timeoutSeconds: conversionTimeoutSeconds, body: review };
      return parseExactly(await callWebhook(call, this.#parts.admission.view));
    };
    const { onError, reviewSender = send, schemas } = options;
    if (registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')) {
      this.#customResources = new CustomResources({ registry, cache, schemas, clock, random, reviewSender, onError });
    }
    if (registry.find('admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies')) {
      this.#policyStatus = new PolicyStatus({ registry, schemas, onError });
    }
  }

  get registry(): Registry {
    return this.#parts.registry;
  }

  get cache(): WatchCache {
    return this.#parts.cache;
  }

  /** Reads what is stored; the server can answer then. */
  async load(): Promise<void> {
    await this.#parts.cache.load();
    this.#customResources?.load();
  }

  /** Keeps the cache in step with storage, and storage's history short, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { cache } = this.#parts;
    const compactor = new Compactor({ ...this.#options, onCompacted: (revision) => cache.forget(revision) });
    const expiry = new EventExpiry({ eventTtl: usualEventTtl, ...this.#options });
    await Promise.all([
      cache.run(signal),
      compactor.run(signal),
      expiry.run(signal),
      this.#customResources?.run(signal),
      this.#policyStatus?.run(signal),
    ]);
  }

  /** Creates an object of the server's own, of a built-in kind, unless it is there. */
  createOwn(own: OwnObject): Promise<void> {
    return createOwnObject(this.#parts, own);
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { clock, random } = this.#options;
    const info = parseRequestInfo(request.method, request.path, request.query);
    const auditID = request.headers['audit-id']?.slice(0, 64) || random.uuid();
    const named = request.query.size > 0 ? namedBySelector(info, request.query) : info;
    const exchange: Exchange = {
      request,
      info,
      named,
      auditID,
      received: clock.monotonic(),
      isUnknown: false,
      trail: undefined,
      deadline: undefined,
      resource: undefined,
      flow: undefined,
    };
    let response: ApiResponse;
    try {
      response = await this.#respond(exchange);
    } catch (error) {
      annotate(exchange);
      if (!(error instanceof StatusError)) exchange.trail?.panicked(error);
      response = error instanceof NotAuditedError ? notAudited(request, error) : await this.#refusal(exchange, error);
    }
    if (exchange.trail) {
      annotate(exchange);
      response = await exchange.trail.answered(response);
    }
    this.#observe(exchange, response);
    return {
      ...response,
      headers: {
        'audit-id': auditID,
        'cache-control': 'no-cache, private',
        ...exchange.flow?.headers,
        // As upstream (UnauthenticatedHTTP2DOSMitigation): streams without number are for clients that are known.
        ...(exchange.isUnknown && isHttp2(request) && closing),
        ...response.headers,
      },
    };
  }

  #observe({ request, info, received }: Exchange, { status, body }: ApiResponse): void {
    this.#metrics.requests.observe(request, info, {
      code: status,
      seconds: (this.#options.clock.monotonic() - received) / 1000,
      bytes: typeof body === 'string' || body instanceof Uint8Array ? body.length : undefined,
      isServed: this.#isServed(info),
    });
  }

  #isServed({ group, version, resource, subresource }: RequestInfo): boolean {
    const definition = this.#parts.registry.find(group, version, resource);
    if (!definition || subresource === '') return definition !== undefined;
    return definition.subresources.some((one) => one.resource === `${resource}/${subresource}`);
  }

  async #refusal({ request, resource }: Exchange, error: unknown): Promise<ApiResponse> {
    const response = await statusInAcceptedForm(request, this.#errorResponse(error));
    // What was to be warned of is told with a refusal too.
    if (!resource || resource.warnings.size === 0) return response;
    return { ...response, headers: { ...response.headers, warning: warningHeaders(resource.warnings) } };
  }

  #errorResponse(error: unknown): ApiResponse {
    if (error instanceof StatusError) return statusResponse(error);
    // As upstream: what storage refuses is told in its words, with no reason.
    if (error instanceof TooLargeError) return statusResponse(new StatusError({ code: 500, message: error.message }));
    if (!(error instanceof WentAwayError)) this.#options.onError(error);
    return statusResponse(internalError(errorMessage(error)));
  }

  #respond(exchange: Exchange): Later<ApiResponse> {
    const { requestTimeout } = this.#options;
    const mayEnd = requestTimeout !== undefined || exchange.request.query.size > 0;
    const ms = mayEnd ? this.#timeoutOf(exchange) : undefined;
    if (ms === undefined) return this.#answer(exchange);
    return answerWithin({ ms, clock: this.#options.clock }, async (deadline) => {
      exchange.deadline = deadline;
      return this.#answer(exchange);
    });
  }

  #timeoutOf(exchange: Exchange): number | undefined {
    try {
      return timeoutOf(exchange.request.query, exchange.info, this.#options.requestTimeout);
    } catch (error) {
      this.#options.auditor?.refused(exchange, this.#errorResponse(error));
      throw error;
    }
  }

  #answer(exchange: Exchange): Later<ApiResponse> {
    const { extensions } = this.#options;
    const { info, request: asked } = exchange;
    const path = info.isResource
      ? undefined
      : extensions.paths.find((one) =>
          one.path.endsWith('/') ? asked.path.startsWith(one.path) : asked.path === one.path,
        );
    if (path?.isPublic) return path.handle(asked, undefined);
    return andThen(this.#identification.identify(exchange), (user) => {
      exchange.flow = this.#flows?.of(user, info);
      const places = this.#inFlight.placesFor(user, info);
      if (!places) return this.#serve(exchange, user, path);
      return andThen(places.take(), (isTaken) => {
        if (!isTaken) return tooManyRequests();
        return inPlace(places, () => this.#serve(exchange, user, path));
      });
    });
  }

  #serve(exchange: Exchange, user: User, path: PathHandler | undefined): Later<ApiResponse> {
    const attributes = attributesOf(exchange, user);
    return andThen(this.#options.authorizer.authorize(attributes), (decision) =>
      this.#decided(exchange, { attributes, decision, path }),
    );
  }

  #decided(
    exchange: Exchange,
    {
      attributes,
      decision,
      path,
    }: { readonly attributes: Attributes; readonly decision: Decision; readonly path: PathHandler | undefined },
  ): Later<ApiResponse> {
    const { aggregation } = this.#options;
    const { request, info, trail } = exchange;
    const { user } = attributes;
    const { type, name } = decision.by ?? rbac;
    this.#metrics.authorizations.with(type, name, decision.allowed ? 'allowed' : 'denied').add();
    if (!decision.allowed && decision.error !== undefined) {
      trail?.annotate('authorization.k8s.io/reason', 'internal error');
      return undecidedResponse(requestUri(request), decision.error);
    }
    trail?.annotate('authorization.k8s.io/decision', decision.allowed ? 'allow' : 'forbid');
    trail?.annotate('authorization.k8s.io/reason', decision.reason ?? '');
    if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
    const remote = aggregation?.answer(request, user, exchange.auditID);
    if (remote) return remote;
    if (info.isResource) return this.#resource(exchange, user);
    if (path) return path.handle(request, user);
    const own = (one: ApiRequest) => this.#ownPaths.answer(one);
    return aggregation ? aggregation.merge(request, own) : own(request);
  }

  #resource(exchange: Exchange, user: User): Later<ApiResponse> {
    const { request, info, deadline } = exchange;
    const { registry } = this.#parts;
    const route = routeTo(registry, info, request.method);
    if (!route) return textResponse(404, '404 page not found\n');
    const { definition, subresource } = route;
    const isConnect = subresource !== undefined && connectSubresources.has(info.subresource);
    const resourceRequest: ResourceRequest = {
      parts: this.#parts,
      request,
      info,
      user,
      definition,
      subresource,
      store: registry.store(definition),
      format: isConnect
        ? negotiate(undefined)
        : formatOf(request, definition, { verb: info.verb, verbs: (subresource ?? definition).verbs }),
      warnings: new Set(definition.deprecation ? [definition.deprecation] : []),
      auditAnnotations: new Map(),
      deadline,
    };
    if (definition.deprecation) resourceRequest.auditAnnotations.set('k8s.io/deprecated', 'true');
    exchange.resource = resourceRequest;
    return handleResource(resourceRequest);
  }
}

async function inPlace(places: { give(): void }, serve: () => Later<ApiResponse>): Promise<ApiResponse> {
  try {
    return await serve();
  } finally {
    places.give();
  }
}

/** What admission has to say goes into the audit log. */
function annotate({ trail, resource }: Exchange): void {
  if (!trail || !resource) return;
  for (const [key, value] of resource.auditAnnotations) trail.annotate(key, value);
}

/** As upstream: no Status. */
function notAudited(request: ApiRequest, { message }: NotAuditedError): ApiResponse {
  return textResponse(500, `Internal Server Error: ${JSON.stringify(requestUri(request))}: ${message}\n`);
}

function formatOf(
  request: ApiRequest,
  { schema }: ResourceDefinition,
  { verb, verbs }: { readonly verb: string; readonly verbs: readonly string[] },
): ResponseFormat {
  const isWatch = verb === 'watch';
  const offer = {
    isWatch,
    isCollection: isWatch || verb === 'list',
    isCustom: schema !== undefined,
    hasTable: verbs.includes('get'),
  };
  const format = negotiate(request.headers.accept, offer);
  return !format.pretty && isPretty(request) ? { ...format, pretty: true } : format;
}
