// One group and version that another server answers for: how it is reached, asked and believed.
import type { IncomingMessage } from 'node:http';
import { Agent } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Random } from '../../system/random.ts';
import { isRequestHeader, type RequestHeaderConfig } from '../authentication/request-header.ts';
import { headerBytes } from '../header-text.ts';
import type { ObjectView } from '../object-view.ts';
import type { KeyPair } from '../pki/certificates.ts';
import { type ApiRequest, type ApiResponse, readBody, textResponse, type User } from '../request.ts';
import { answeredHeaders, forward, passedHeaders, upgradeThrough } from '../streaming/forward.ts';
import { dialEndpoint } from '../tunnel/dial.ts';
import type { TunnelRegistry } from '../tunnel/tunnel-registry.ts';
import type { ApiResourceList } from './merge.ts';
import type { ServedApi } from './served-api.ts';
import { type DialTarget, dialTarget, knownTrouble, type Verdict } from './service-target.ts';

export interface RemoteApiParts {
  readonly view: ObjectView;
  readonly tunnels: Pick<TunnelRegistry, 'nodeNames' | 'dial'>;
  /** Shown to the server, which believes the user that this one names. */
  readonly frontProxy: KeyPair;
  /** The headers in which servers behind this one are told who asks. */
  readonly requestHeader: RequestHeaderConfig;
  readonly random: Random;
}

type RemoteService = Readonly<APIService> & {
  readonly spec: { readonly service: NonNullable<APIService['spec']['service']> };
};

const checkTimeout = 5_000;
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
    return all.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
  }

  #target(): DialTarget {
    const service = this.#service;
    const target = service && dialTarget(this.#spec.service, service, { slices: this.#slices, ...this.#parts });
    if (target) return target;
    throw new Error(`no endpoints available for service ${JSON.stringify(this.#spec.service.name)}`);
  }

  async #connect(): Promise<TLSSocket> {
    const { frontProxy } = this.#parts;
    const { service, caBundle, insecureSkipTLSVerify = false } = this.#spec;
    const raw = await dialEndpoint(this.#parts.tunnels, this.#target());
    const socket = connectTls({
      socket: raw,
      servername: `${service.name}.${service.namespace}.svc`,
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64') }),
      cert: frontProxy.certPem,
      key: frontProxy.keyPem,
      rejectUnauthorized: !insecureSkipTLSVerify,
      ALPNProtocols: ['http/1.1'],
    });
    return new Promise((resolve, reject) => {
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
      socket.once('error', reject);
      raw.once('error', reject);
    });
  }

  /** Whether it can be reached and says what it serves; what it says is kept. */
  async check(apiService: Readonly<APIService>): Promise<Verdict> {
    const known = knownTrouble(apiService, this.#service, this.#slices);
    if (known) return known;
    const path = `/apis/${this.#spec.group}/${this.#spec.version}`;
    try {
      this.resources = JSON.parse(await this.fetch(path)) as ApiResourceList;
      return { status: 'True', reason: 'Passed', message: 'all checks passed' };
    } catch (error) {
      const { service } = this.#spec;
      const url = `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${path}`;
      const why = error instanceof Error ? error.message : String(error);
      const message = `failing or missing response from ${url}: ${why}`;
      return { status: 'False', reason: 'FailedDiscoveryCheck', message };
    }
  }

  /** The text of a document, asked for by this server itself. Throws where the answer is not 200. */
  async fetch(path: string): Promise<string> {
    const signal = AbortSignal.timeout(checkTimeout);
    const request: ApiRequest = {
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: { accept: 'application/json' },
      body: async () => new Uint8Array(0),
      signal,
    };
    const response = await this.#send(request, aggregator);
    const text = Buffer.from(await readBody(response, largestDocument)).toString();
    if (response.statusCode === 200) return text;
    throw new Error(`bad status from ${path}: ${response.statusCode}`);
  }

  #send(request: ApiRequest, user: User): Promise<IncomingMessage> {
    const path = request.query.size > 0 ? `${request.path}?${request.query}` : request.path;
    return forward(request, { path, headers: this.#headers(request, user), over: { agent: this.#agent } });
  }

  #headers(request: ApiRequest, user: User): Record<string, string | string[]> {
    const { service } = this.#spec;
    const host = `${service.name}.${service.namespace}.svc`;
    const passed = Object.entries(passedHeaders(request));
    // Nobody but this server says who asks.
    const kept = passed.filter(([name]) => !isRequestHeader(name, this.#parts.requestHeader));
    return { host, ...Object.fromEntries(kept), 'x-forwarded-proto': 'https', ...identityHeaders(user) };
  }

  /** The remote server's answer; 503 as text where there is none, as upstream. */
  async answer(request: ApiRequest, user: User): Promise<ApiResponse> {
    try {
      if (request.upgrade) {
        const path = request.query.size > 0 ? `${request.path}?${request.query}` : request.path;
        return upgradeThrough(request, { path, headers: this.#headers(request, user), socket: await this.#connect() });
      }
      const response = await this.#send(request, user);
      return { status: response.statusCode ?? 502, headers: answeredHeaders(response), body: response };
    } catch (error) {
      return textResponse(503, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
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
