// One group and version that another server answers for: how it is reached, asked and believed.

import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { joinHostPort } from '../../net/ip.ts';
import type { Random } from '../../system/random.ts';
import { isRequestHeader, type RequestHeaderConfig } from '../authentication/request-header.ts';
import { goError } from '../go-errors.ts';
import { headerBytes } from '../header-text.ts';
import type { ObjectView } from '../object-view.ts';
import type { KeyPair } from '../pki/certificates.ts';
import { type ApiRequest, type ApiResponse, readBody, requestUri, textResponse, type User } from '../request.ts';
import { answeredHeaders, type ForwardOptions, forward, passedHeaders, upgradeThrough } from '../streaming/forward.ts';
import { dialEndpoint } from '../tunnel/dial.ts';
import type { TunnelRegistry } from '../tunnel/tunnel-registry.ts';
import { type ApiResourceList, parsedList } from './merge.ts';
import type { ServedApi } from './served-api.ts';
import { type DialTarget, dialTargets, knownTrouble, type Verdict } from './service-target.ts';
import { connectToService } from './service-tls.ts';

export interface RemoteApiParts {
  readonly view: ObjectView;
  readonly tunnels: Pick<TunnelRegistry, 'nodeNames' | 'dial'>;
  /** Shown to the server, which believes the user that this one names; as it is now, since certificates are renewed. */
  readonly frontProxy: () => KeyPair;
  /** The headers in which servers behind this one are told who asks. */
  readonly requestHeader: RequestHeaderConfig;
  readonly random: Random;
}

type RemoteService = Readonly<APIService> & {
  readonly spec: { readonly service: NonNullable<APIService['spec']['service']> };
};

const checkTimeout = 5_000;
/** How many endpoints are asked at most whether the API is there. */
const mostChecked = 5;
/** Of the answers that are read whole: discovery and OpenAPI. */
const largestDocument = 64 * 1024 * 1024;
const aggregator: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };

export function isRemote(apiService: Readonly<APIService>): apiService is RemoteService {
  return apiService.spec.service !== undefined;
}

export class RemoteApi implements ServedApi {
  readonly #spec: RemoteService['spec'];
  readonly #parts: RemoteApiParts;
  readonly #agent: Agent;
  /** What it serves, as it last said; undefined until then. */
  resources: ApiResourceList | undefined;
  documentUrl: string | undefined;

  constructor(apiService: RemoteService, parts: RemoteApiParts) {
    this.#spec = apiService.spec;
    this.#parts = parts;
    this.#agent = new Agent({ keepAlive: true, timeout: 90_000 });
    this.#agent.createConnection = (_options, callback) => {
      this.#connect().then(
        (socket) => callback?.(null, socket),
        (error: Error) => callback?.(error, undefined as never),
      );
      return undefined;
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  get #service(): Readonly<Service & KubeObject> | undefined {
    const { namespace = '', name = '' } = this.#spec.service;
    return this.#parts.view.get({ group: '', resource: 'services' }, namespace, name);
  }

  get #slices(): Readonly<EndpointSlice & KubeObject>[] {
    const { namespace = '', name = '' } = this.#spec.service;
    const resource = { group: 'discovery.k8s.io', resource: 'endpointslices' };
    const all = this.#parts.view.list<EndpointSlice & KubeObject>(resource, namespace);
    return all.filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === name);
  }

  get #targets(): DialTarget[] {
    const service = this.#service;
    return service ? dialTargets(this.#spec.service, service, this.#slices) : [];
  }

  #target(): DialTarget {
    const targets = this.#targets;
    const target = targets[this.#parts.random.int(Math.max(targets.length, 1))];
    if (target) return target;
    throw new Unresolved(`no endpoints available for service ${JSON.stringify(this.#spec.service.name)}`);
  }

  async #connect(target = this.#target(), signal?: AbortSignal): Promise<TLSSocket> {
    const { certPem: cert, keyPem: key } = this.#parts.frontProxy();
    const { service, caBundle, insecureSkipTLSVerify = false } = this.#spec;
    return connectToService({
      service,
      caBundle,
      cert,
      key,
      rejectUnauthorized: !insecureSkipTLSVerify,
      dial: () => dialEndpoint(this.#parts.tunnels, target),
      signal,
    });
  }

  /** Whether it can be reached, by one endpoint of several at least; what it says that it serves is kept. */
  async check(apiService: Readonly<APIService>): Promise<Verdict> {
    const known = knownTrouble(apiService, this.#service, this.#slices);
    if (known) return known;
    const failures: string[] = [];
    const asked = this.#targets.slice(0, mostChecked).map(async (target) => {
      try {
        return await this.#discover(target);
      } catch (error) {
        failures.push(errorMessage(error));
        throw error;
      }
    });
    try {
      this.resources = await Promise.any(asked);
      await this.#learnDocument();
      return { status: 'True', reason: 'Passed', message: 'all checks passed' };
    } catch {
      const name = JSON.stringify(this.#spec.service.name);
      const message = failures.at(-1) ?? `no endpoints available for service ${name}`;
      return { status: 'False', reason: 'FailedDiscoveryCheck', message };
    }
  }

  /** What one endpoint says that it serves, over a connection of its own; the error is in upstream's words. */
  async #discover(target: DialTarget): Promise<ApiResourceList | undefined> {
    const path = `/apis/${this.#spec.group}/${this.#spec.version}`;
    const url = `https://${joinHostPort(target.host, target.port)}${path}`;
    const why = (text: string) => `failing or missing response from ${url}: ${text}`;
    const signal = AbortSignal.timeout(checkTimeout);
    try {
      const over = { socket: await this.#connect(target, signal) };
      const response = await this.#send(ownRequest(path, signal), aggregator, { over });
      const text = Buffer.from(await readBody(response, largestDocument)).toString();
      over.socket.destroy();
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return parsedList(text);
      throw new BadStatus(`bad status from ${url}: ${statusCode}`);
    } catch (error) {
      if (error instanceof BadStatus) throw new Error(why(error.message), { cause: error });
      const late = signal.aborted ? ' (Client.Timeout exceeded while awaiting headers)' : '';
      const text = `Get ${JSON.stringify(url)}: ${goError(error, new URL(url))}${late}`;
      throw new Error(why(text), { cause: error });
    }
  }

  /** Where its OpenAPI document is, with the hash that lets clients keep it. */
  async #learnDocument(): Promise<void> {
    const key = `apis/${this.#spec.group}/${this.#spec.version}`;
    try {
      const { paths } = JSON.parse(await this.fetch('/openapi/v3')) as OpenApiIndex;
      this.documentUrl = paths?.[key]?.serverRelativeURL;
    } catch {
      // It has no such document, or is about to go.
      this.documentUrl = undefined;
    }
  }

  /** The text of a document, asked for by this server itself. Throws where the answer is not 200. */
  async fetch(path: string): Promise<string> {
    const response = await this.#send(ownRequest(path, AbortSignal.timeout(checkTimeout)), aggregator);
    const text = Buffer.from(await readBody(response, largestDocument)).toString();
    if (response.statusCode === 200) return text;
    throw new Error(`bad status from ${path}: ${response.statusCode}`);
  }

  #send(request: ApiRequest, user: User, options: SendOptions = {}): Promise<IncomingMessage> {
    const { over = { agent: this.#agent }, auditID = '', signal } = options;
    const headers = this.#headers(request, user, auditID);
    return forward(request, { path: requestUri(request), headers, over, ...(signal && { signal }) });
  }

  #headers(request: ApiRequest, user: User, auditID: string): Record<string, string | string[]> {
    const { service } = this.#spec;
    const host = `${service.name}.${service.namespace}.svc`;
    const passed = Object.entries(passedHeaders(request));
    // Nobody but this server says who asks.
    const kept = passed.filter(([name]) => !isRequestHeader(name, this.#parts.requestHeader));
    return {
      host,
      ...Object.fromEntries(kept),
      'x-forwarded-proto': 'https',
      // The two servers' audit logs tell of it under one name.
      ...(auditID && { 'audit-id': auditID }),
      ...identityHeaders(user),
    };
  }

  /** The remote server's answer; 503 as text where there is none, as upstream. */
  async answer(request: ApiRequest, user: User, auditID: string): Promise<ApiResponse> {
    try {
      const target = this.#target();
      if (request.upgrade) {
        const headers = this.#headers(request, user, auditID);
        return upgradeThrough(request, { path: requestUri(request), headers, socket: await this.#connect(target) });
      }
      // Discovery is cheap, and everybody waits for it.
      const isDiscovery = request.path.replace(/^\/|\/$/g, '').split('/').length === 3;
      const signal = isDiscovery ? AbortSignal.any([request.signal, AbortSignal.timeout(checkTimeout)]) : undefined;
      const response = await this.#send(request, user, { auditID, ...(signal && { signal }) });
      return { status: response.statusCode ?? 502, headers: answeredHeaders(response), body: response };
    } catch (error) {
      const url = new URL(`https://${this.#spec.service.name}.${this.#spec.service.namespace}.svc`);
      return textResponse(503, `${error instanceof Unresolved ? 'service unavailable' : goError(error, url)}\n`);
    }
  }
}

/** No endpoint is there. */
class Unresolved extends Error {}

/** It answers, but not what it should. */
class BadStatus extends Error {}

interface SendOptions extends Partial<Pick<ForwardOptions, 'over' | 'signal'>> {
  readonly auditID?: string;
}

interface OpenApiIndex {
  readonly paths?: Readonly<Record<string, { readonly serverRelativeURL?: string }>>;
}

/** A request of this server's own. */
function ownRequest(path: string, signal: AbortSignal): ApiRequest {
  const body = async () => new Uint8Array(0);
  return { method: 'GET', path, query: new URLSearchParams(), headers: { accept: 'application/json' }, body, signal };
}

export function identityHeaders({ name, uid, groups, extra = {} }: User): Record<string, string | string[]> {
  const extras = Object.entries(extra).map(
    ([key, values]) => [`x-remote-extra-${headerKey(key)}`, values.map(headerBytes)] as const,
  );
  return {
    'x-remote-user': headerBytes(name),
    ...(uid && { 'x-remote-uid': headerBytes(uid) }),
    ...(groups.length > 0 && { 'x-remote-group': groups.map(headerBytes) }),
    ...Object.fromEntries(extras),
  };
}

/** What a header's name cannot hold is percent-encoded, as upstream does it. */
function headerKey(key: string): string {
  return key.replace(/[^!#$&'*+\-.^_`|~0-9A-Za-z]/g, (char) =>
    [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
