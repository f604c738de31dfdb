// What is served, as clients find it out: /api, /apis and below, plain and aggregated (apidiscovery.k8s.io/v2).

import { createHash } from 'node:crypto';
import type { ResourceDefinition, ResourceFacts } from '../../api/resource.ts';
import { apiVersionOf } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import { mediaRanges } from '../negotiation.ts';
import type { Registry } from '../registry/registry.ts';
import { type ApiRequest, type ApiResponse, jsonResponse } from '../request.ts';

/** Undefined: the path is not one of discovery's, or names a group that is not there. */
export function discoveryResponse(request: ApiRequest, registry: Registry, address: string): ApiResponse | undefined {
  const segments = request.path.replace(/\/+$/, '').split('/').slice(1);
  const [root, group, version] = segments;
  const definitions = registry.definitions;
  if (root === 'api') {
    if (segments.length === 1) {
      const core = definitions.filter((d) => d.group === '');
      const wanted = aggregatedVersion(request);
      if (wanted) return aggregated(request, core, wanted);
      return jsonResponse(200, {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
      });
    }
    if (segments.length === 2 && group !== undefined) return resourceList(definitions, '', group);
    return undefined;
  }
  if (root !== 'apis') return undefined;
  const named = definitions.filter((d) => d.group !== '');
  if (segments.length === 1) {
    const wanted = aggregatedVersion(request);
    if (wanted) return aggregated(request, named, wanted);
    const groups = [...Map.groupBy(named, (d) => d.group).keys()].map((name) => apiGroup(named, name));
    return jsonResponse(200, { kind: 'APIGroupList', apiVersion: 'v1', groups });
  }
  if (segments.length === 2) {
    const found = apiGroup(named, group!);
    return found && jsonResponse(200, { kind: 'APIGroup', apiVersion: 'v1', ...found });
  }
  return segments.length === 3 ? resourceList(named, group!, version!) : undefined;
}

function versionsOf(definitions: readonly ResourceDefinition[], group: string): string[] {
  return [...new Set(definitions.filter((d) => d.group === group).map((d) => d.version))];
}

/** Versions come in the order of preference. */
function apiGroup(
  definitions: readonly ResourceDefinition[],
  name: string,
): { name: string; versions: unknown[]; preferredVersion: unknown } | undefined {
  const versions = versionsOf(definitions, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return versions.length === 0 ? undefined : { name, versions, preferredVersion: versions[0] };
}

function resourceList(
  definitions: readonly ResourceDefinition[],
  group: string,
  version: string,
): ApiResponse | undefined {
  const served = definitions.filter((d) => d.group === group && d.version === version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((d) => [d as ResourceFacts, ...d.subresources]).map(apiResource);
  return jsonResponse(200, {
    kind: 'APIResourceList',
    ...(group !== '' && { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources,
  });
}

function apiResource(facts: ResourceFacts & Pick<ResourceDefinition, 'storageVersionHash'>): unknown {
  const storageVersionHash = facts.storageVersionHash ?? storedVersionHash(facts);
  const { resource, singular, namespaced, kindGroupVersion, kind, shortNames, categories } = facts;
  const verbs = facts.discoveryVerbs ?? facts.verbs;
  return {
    name: resource,
    singularName: singular,
    namespaced,
    ...kindGroupVersion,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(storageVersionHash && { storageVersionHash }),
  };
}

/** Kinds that are stored in the form of another group or version than the one they are served in. */
const storedAs = table<string>({
  'events.k8s.io/v1/Event': '/v1/Event',
  'autoscaling/v1/HorizontalPodAutoscaler': 'autoscaling/v2/HorizontalPodAutoscaler',
});

/** What tells clients of built-in kinds that storage changed; undefined where nothing is stored. */
function storedVersionHash({ group, version, resource, kind, verbs }: ResourceFacts): string | undefined {
  if (resource.includes('/') || !verbs.includes('watch')) return undefined;
  const served = `${group}/${version}/${kind}`;
  const hash = createHash('sha256').update(storedAs[served] ?? served);
  return hash.digest().subarray(0, 8).toString('base64');
}

const aggregatedVersions = ['v2', 'v2beta1'];

/** The version of apidiscovery.k8s.io that the client prefers; undefined: it wants the plain form, or knows no other. */
function aggregatedVersion(request: ApiRequest): string | undefined {
  for (const range of mediaRanges(request.headers.accept ?? '')) {
    const { type, subtype, parameters } = range;
    if (type !== 'application' || subtype !== 'json') continue;
    const as = parameters.get('as');
    if (as === undefined) return undefined;
    const version = parameters.get('v') ?? '';
    const isKnown = parameters.get('g') === 'apidiscovery.k8s.io' && aggregatedVersions.includes(version);
    if (as === 'APIGroupDiscoveryList' && isKnown) return version;
  }
  return undefined;
}

function aggregated(request: ApiRequest, definitions: readonly ResourceDefinition[], apiVersion: string): ApiResponse {
  const items = [...Map.groupBy(definitions, (d) => d.group)].map(([group, members]) => ({
    metadata: { name: group },
    versions: [...Map.groupBy(members, (d) => d.version)].map(([version, served]) => ({
      version,
      resources: served.map(aggregatedResource),
      freshness: 'Current',
    })),
  }));
  const body = `${JSON.stringify({
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items,
  })}\n`;
  const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
  const headers = {
    'content-type': `application/json;g=apidiscovery.k8s.io;v=${apiVersion};as=APIGroupDiscoveryList`,
    etag,
    vary: 'Accept',
  };
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
  return { status: 200, headers, body };
}

function responseKind({ group, version, kind, kindGroupVersion }: ResourceFacts): unknown {
  return { ...(kindGroupVersion ?? { group, version }), kind };
}

function aggregatedResource(definition: ResourceDefinition): unknown {
  const { resource, namespaced, singular, shortNames, categories, subresources } = definition;
  const verbs = definition.discoveryVerbs ?? definition.verbs;
  return {
    resource,
    responseKind: responseKind(definition),
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((sub) => ({
        subresource: sub.resource.slice(resource.length + 1),
        responseKind: responseKind(sub),
        verbs: sub.verbs,
      })),
    }),
  };
}
