// Requests to metrics.k8s.io/v1beta1: the kubelets are asked when somebody asks here.
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import type { OpenApi } from '../../api/openapi/openapi.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import {
  checkSelectableFields,
  matchesFields,
  parseFieldSelector,
} from '../../apimachinery/selectors/field-selector.ts';
import { matchesLabels, parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { notFound } from '../../apimachinery/status.ts';
import type { ApiResourceList } from '../aggregation/merge.ts';
import type { ServedApi } from '../aggregation/served-api.ts';
import { methodNotAllowed, pathNotFound } from '../errors.ts';
import type { ObjectView } from '../object-view.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, readBody, textResponse } from '../request.ts';
import type { NodeLinks } from '../tunnel/node-links.ts';
import { unescaped } from '../unescaped.ts';
import { metricsOpenApi, metricsResources } from './open-api.ts';
import { nodeUsage, type PodUsage, podUsages, type Summary } from './summaries.ts';

const apiVersion = 'metrics.k8s.io/v1beta1';
const root = `/apis/${apiVersion}`;
/** What a rate is taken over is between a second and two minutes; metrics-server says 15 s too. */
const window = '15s';
/** Milliseconds that a kubelet may take. */
const timeout = 10_000;
const largestSummary = 16 * 1024 * 1024;

const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: apiVersion,
  resources: metricsResources.map(({ resource, singular, namespaced, kind, verbs }) => {
    return { name: resource, singularName: singular, namespaced, kind, verbs };
  }),
};

export interface ResourceMetricsOptions {
  readonly view: ObjectView;
  readonly links: Pick<NodeLinks, 'leadsTo' | 'request'>;
}

type NodeObject = Readonly<Node & KubeObject>;
type PodObject = Readonly<Pod & KubeObject>;

export class ResourceMetrics implements ServedApi {
  readonly resources: ApiResourceList = resources;
  readonly #options: ResourceMetricsOptions;
  /** Made when first asked for. */
  #documents: OpenApi | undefined;

  constructor(options: ResourceMetricsOptions) {
    this.#options = options;
  }

  async check() {
    return { status: 'True', reason: 'Local', message: 'Local APIServices are always available' } as const;
  }

  async fetch(path: string): Promise<string> {
    if (path !== '/openapi/v2') throw new Error(`there is no document ${path} of this API`);
    return this.#openApi.swagger().body as string;
  }

  get #openApi(): OpenApi {
    this.#documents ??= metricsOpenApi();
    return this.#documents;
  }

  close(): void {}

  /** The caller is authorized. Throws a StatusError. */
  async answer(request: ApiRequest): Promise<ApiResponse> {
    const path = request.path.replace(/\/$/, '');
    if (path === `/openapi/v3${root}`) {
      const headers = { 'content-type': 'application/json' };
      return { status: 200, headers, body: this.#openApi.document(root.slice(1))!.body };
    }
    if (!path.startsWith(root)) return textResponse(404, '404 page not found\n');
    if (path === root) return jsonResponse(200, resources);
    if (request.method !== 'GET') throw methodNotAllowed();
    const parts = path
      .slice(root.length + 1)
      .split('/')
      .map(unescaped);
    if (parts[0] === 'nodes' && parts.length <= 2) return this.#nodes(request, parts[1]);
    if (parts[0] === 'pods' && parts.length === 1) return this.#pods(request, '', undefined);
    const [, namespace = '', resource, name] = parts;
    if (parts[0] === 'namespaces' && resource === 'pods' && parts.length <= 4)
      return this.#pods(request, namespace, name);
    throw pathNotFound();
  }

  async #nodes(request: ApiRequest, name: string | undefined): Promise<ApiResponse> {
    const all = this.#options.view.list<NodeObject>({ group: '', resource: 'nodes' });
    const nodes = selected(request, all).filter(({ metadata }) => name === undefined || metadata.name === name);
    const summaries = await this.#summaries(nodes.map(({ metadata }) => metadata.name));
    const items = nodes.flatMap((node) => {
      const found = summaries.get(node.metadata.name);
      const usage = found && nodeUsage(found);
      return usage ? [{ ...headOf('NodeMetrics', node), timestamp: usage.timestamp, window, usage: usage.usage }] : [];
    });
    return answerWith('NodeMetrics', items, { group: 'metrics.k8s.io', resource: 'nodes', name });
  }

  async #pods(request: ApiRequest, namespace: string, name: string | undefined): Promise<ApiResponse> {
    const all = this.#options.view.list<PodObject>({ group: '', resource: 'pods' }, namespace || undefined);
    const pods = selected(request, all).filter(
      ({ metadata, status }) => (name === undefined || metadata.name === name) && status?.phase === 'Running',
    );
    const nodes = new Set(pods.flatMap(({ spec }) => spec.nodeName ?? []));
    const usages = new Map<string, PodUsage>();
    for (const summary of (await this.#summaries([...nodes])).values()) {
      for (const usage of podUsages(summary)) usages.set(`${usage.namespace}/${usage.name}`, usage);
    }
    const items = pods.flatMap((pod) => {
      const usage = usages.get(`${pod.metadata.namespace}/${pod.metadata.name}`);
      if (!usage) return [];
      return [{ ...headOf('PodMetrics', pod), timestamp: usage.timestamp, window, containers: usage.containers }];
    });
    return answerWith('PodMetrics', items, { group: 'metrics.k8s.io', resource: 'pods', name });
  }

  /** Of the nodes whose kubelets are there to be asked, and answer. */
  async #summaries(names: readonly string[]): Promise<ReadonlyMap<string, Summary>> {
    const reached = names.filter((name) => this.#options.links.leadsTo(name));
    const found = await Promise.all(reached.map(async (name) => [name, await this.#summary(name)] as const));
    return new Map(found.filter((entry): entry is readonly [string, Summary] => entry[1] !== undefined));
  }

  async #summary(nodeName: string): Promise<Summary | undefined> {
    try {
      const signal = AbortSignal.timeout(timeout);
      const { status, stream } = await this.#options.links.request(nodeName, {
        method: 'GET',
        path: '/stats/summary?only_cpu_and_memory=true',
        signal,
      });
      const body = await readBody(stream as AsyncIterable<Uint8Array>, largestSummary);
      return status === 200 ? (JSON.parse(Buffer.from(body).toString()) as Summary) : undefined;
    } catch {
      // A node that does not answer has no metrics, as with metrics-server.
      return undefined;
    }
  }
}

function headOf(kind: string, { metadata }: Readonly<KubeObject>) {
  const { name, namespace, labels, creationTimestamp } = metadata;
  return {
    kind,
    apiVersion,
    metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }), creationTimestamp },
  };
}

function selected<T extends Readonly<KubeObject>>({ query }: ApiRequest, objects: readonly T[]): readonly T[] {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  checkSelectableFields(fields, { known: [], namespaced: true, isCustom: false });
  return objects.filter(
    ({ metadata: { name, namespace, labels: own } }) =>
      matchesLabels(labels, own) && matchesFields(fields, (field) => (field === 'metadata.name' ? name : namespace)),
  );
}

function answerWith(
  kind: string,
  items: readonly object[],
  { name, ...resource }: { readonly group: string; readonly resource: string; readonly name: string | undefined },
): ApiResponse {
  if (name === undefined) return jsonResponse(200, { kind: `${kind}List`, apiVersion, metadata: {}, items });
  if (!items[0]) throw notFound(resource, name);
  return jsonResponse(200, items[0]);
}
