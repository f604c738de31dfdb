// What the metrics APIs say: resource metrics, which this server has itself where it has nodes, and custom and external ones,
// which adapters bring along (an APIService for custom.metrics.k8s.io or external.metrics.k8s.io).
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
} from '../../api/autoscaling/v2/types.generated.ts';
import type { APIGroup } from '../../apimachinery/meta/v1.generated.ts';
import { type KubeList, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { parseQuantity, quantityMilliValue } from '../../apimachinery/quantity.ts';
import { labelSelectorOf, printLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import { resourceOfKind } from '../shared/scale-client.ts';
import type { PodMetric } from './replica-calculator.ts';

/** By pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;
/** Of a metric that an adapter knows: by pod, or one number in thousandths. */
export type MetricAnswer = { readonly pods: PodMetrics } | { readonly value: number };

/** Whose metrics are asked for. */
export interface MetricsScope {
  readonly namespace: string;
  /** Of the target's pods. */
  readonly selector: string | undefined;
}

interface PodUsage extends KubeObject {
  timestamp?: string;
  window?: string;
  containers?: { name: string; usage?: Record<string, string> }[];
}

/** MetricValue of custom.metrics.k8s.io and ExternalMetricValue, as far as they are read. */
interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly value: string;
}

interface MetricValueList {
  readonly items?: readonly MetricValue[];
}

const customGroup = 'custom.metrics.k8s.io';
const externalGroup = 'external.metrics.k8s.io';
/** Newest first. */
const customVersions = ['v1beta2', 'v1beta1'];
/** Milliseconds that a measurement is taken to last where nobody says it. */
const defaultWindow = 60_000;

/** By resource name, then by pod; one question for all resources. A text says why there is nothing. */
export async function resourceMetrics(
  client: Client,
  names: ReadonlySet<string>,
  { namespace, selector }: MetricsScope,
): Promise<Map<string, PodMetrics | string>> {
  const answers = new Map<string, PodMetrics | string>();
  if (names.size === 0) return answers;
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods${query({ labelSelector: selector })}`;
  const answer = await ask<KubeList<PodUsage>>(client, path, 'pods.metrics.k8s.io');
  for (const name of names) {
    if (typeof answer !== 'string') answers.set(name, usageOf(answer, name));
    else answers.set(name, `unable to fetch metrics from resource metrics API: ${answer}`);
  }
  return answers;
}

/** The answer to each of the specs that are of type Pods, Object or External. A text says why there is nothing. */
export async function customMetrics(
  client: Client,
  specs: readonly Readonly<MetricSpec>[],
  scope: MetricsScope,
): Promise<Map<Readonly<MetricSpec>, MetricAnswer | string>> {
  const wanted = specs.filter(({ pods, object, external }) => pods ?? object ?? external);
  return new Map(
    await Promise.all(wanted.map(async (spec) => [spec, await customMetric(client, spec, scope)] as const)),
  );
}

async function customMetric(client: Client, spec: Readonly<MetricSpec>, scope: MetricsScope) {
  if (spec.external) {
    const answer = await externalMetric(client, spec.external.metric, scope.namespace);
    return typeof answer === 'string' ? `unable to fetch metrics from external metrics API: ${answer}` : answer;
  }
  const version = await customVersion(client);
  const why = 'unable to fetch metrics from custom metrics API: ';
  if (version === undefined) return `${why}no custom metrics API (${customGroup}) registered`;
  const base = `/apis/${customGroup}/${version}/namespaces`;
  let answer: MetricAnswer | string = 'unknown metric source type';
  if (spec.pods) answer = await podsMetric(client, spec.pods.metric, { ...scope, base });
  if (spec.object) answer = await objectMetric(client, spec.object, { ...scope, base });
  return typeof answer === 'string' ? `${why}${answer}` : answer;
}

/** The newest that is served and known. */
async function customVersion(client: Client): Promise<string | undefined> {
  const group = await ask<APIGroup>(client, `/apis/${customGroup}`, customGroup);
  if (typeof group === 'string') return undefined;
  return customVersions.find((version) => group.versions?.some((one) => one.version === version));
}

async function podsMetric(
  client: Client,
  metric: MetricIdentifier,
  { base, namespace, selector }: MetricsScope & { readonly base: string },
): Promise<MetricAnswer | string> {
  const filter = query({ labelSelector: selector, metricLabelSelector: selectorOf(metric) });
  const path = `${base}/${namespace}/pods/*/${encodeURIComponent(metric.name)}${filter}`;
  const answer = await ask<MetricValueList>(client, path, `pods.${customGroup}`);
  if (typeof answer === 'string') return answer;
  const pods = new Map<string, PodMetric>();
  for (const { describedObject, timestamp, value } of answer.items ?? []) {
    const containers = { '': milliOf(value) };
    pods.set(describedObject?.name ?? '', { time: Date.parse(timestamp ?? ''), window: defaultWindow, containers });
  }
  return pods.size === 0 ? 'no metrics returned from custom metrics API' : { pods };
}

async function objectMetric(
  client: Client,
  {
    describedObject,
    metric,
  }: { readonly describedObject: CrossVersionObjectReference; readonly metric: MetricIdentifier },
  { base, namespace }: MetricsScope & { readonly base: string },
): Promise<MetricAnswer | string> {
  const { apiVersion = 'v1', kind, name } = describedObject;
  const { group } = parseApiVersion(apiVersion);
  const filter = query({ metricLabelSelector: selectorOf(metric) });
  const last = `${encodeURIComponent(metric.name)}${filter}`;
  let path = `${base}/${name}/metrics/${last}`;
  if (group !== '' || kind !== 'Namespace') {
    const resource = await resourceOfKind(client, group, kind);
    if (!resource) return `no matches for kind "${kind}" in group "${group}"`;
    const full = group === '' ? resource.resource : `${resource.resource}.${group}`;
    path = `${base}/${namespace}/${full}/${name}/${last}`;
  }
  const answer = await ask<MetricValueList>(client, path, `${metric.name}.${customGroup}`);
  if (typeof answer === 'string') return answer;
  const [found, ...more] = answer.items ?? [];
  if (found && more.length === 0) return { value: milliOf(found.value) };
  const count = answer.items?.length ?? 0;
  return `the custom metrics API server returned ${count} results when we asked for exactly one`;
}

async function externalMetric(
  client: Client,
  metric: MetricIdentifier,
  namespace: string,
): Promise<MetricAnswer | string> {
  const filter = query({ labelSelector: selectorOf(metric) });
  const path = `/apis/${externalGroup}/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric.name)}${filter}`;
  const answer = await ask<MetricValueList>(client, path, `${metric.name}.${externalGroup}`);
  if (typeof answer === 'string') return answer;
  const items = answer.items ?? [];
  if (items.length === 0) return 'no metrics returned from external metrics API';
  return { value: items.reduce((sum, { value }) => sum + milliOf(value), 0) };
}

function selectorOf({ selector }: MetricIdentifier): string | undefined {
  const parsed = labelSelectorOf(selector);
  return parsed && printLabelSelector(parsed);
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return given.length === 0
    ? ''
    : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&')}`;
}

function milliOf(quantity: string): number {
  return quantityMilliValue(parseQuantity(String(quantity)));
}

/** What is answered, or why not, in the words of client-go for a server that gives no reason; `resource` is for these. */
async function ask<T>(client: Client, path: string, resource: string): Promise<T | string> {
  const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } });
  const text = await readText(response.body);
  try {
    const answer = JSON.parse(text) as T & { readonly message?: string };
    if (response.status === 200) return answer;
    if (answer.message !== undefined) return answer.message;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (response.status === 200) return `the answer is no JSON: ${error.message}`;
  }
  if (response.status === 404) return `the server could not find the requested resource (get ${resource})`;
  if (response.status === 503) return `the server is currently unable to handle the request (get ${resource})`;
  return `the server answered ${response.status} (get ${resource})`;
}

function usageOf({ items }: KubeList<PodUsage>, resourceName: string): PodMetrics | string {
  const found = new Map<string, PodMetric>();
  for (const { metadata, timestamp, window, containers = [] } of items) {
    const usage = containers.flatMap(({ name, usage: of }): [string, number][] => {
      const amount = ownValue(of, resourceName);
      return amount === undefined ? [] : [[name, milliOf(amount)]];
    });
    if (usage.length < containers.length || usage.length === 0) continue;
    const seconds = /^([\d.]+)s$/.exec(window ?? '')?.[1];
    found.set(metadata.name, {
      time: Date.parse(timestamp ?? ''),
      window: seconds === undefined ? defaultWindow : Number(seconds) * 1000,
      containers: Object.fromEntries(usage),
    });
  }
  return found.size === 0 ? 'no metrics returned from resource metrics API' : found;
}
