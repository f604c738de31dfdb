// What is served, as clients find it out: /api, /apis and below, plain and aggregated (apidiscovery.k8s.io/v2).
import { createHash } from 'node:crypto';
import type { ResourceDefinition, ResourceFacts } from '../../api/resource.ts';
import { apiVersionOf } from '../../apimachinery/object.ts';
import type { Registry } from '../registry/registry.ts';
import { type ApiRequest, type ApiResponse, jsonResponse } from '../request.ts';

/** Undefined: the path is not one of discovery's, or names a group that is not there. */
export function discoveryResponse(request: ApiRequest, registry: Registry, address: string): ApiResponse | undefined {
  const segments = request.path.replace(/\/+$/, '').split('/').slice(1);
  const [root, group, version] = segments;
  const definitions = registry.definitions;
  if (root === 'api') {
    if (segments.length === 1) {
      if (wantsAggregated(request))
        return aggregated(
          request,
          definitions.filter((d) => d.group === ''),
        );
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
    if (wantsAggregated(request)) return aggregated(request, named);
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
  const { storageVersionHash } = facts;
  const { resource, singular, namespaced, kindGroupVersion, kind, verbs, shortNames, categories } = facts;
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

const aggregatedType = /application\/json\s*;[^,]*as=APIGroupDiscoveryList/;

function wantsAggregated(request: ApiRequest): boolean {
  const accept = request.headers.accept ?? '';
  const match = accept.split(',').find((part) => aggregatedType.test(part));
  return match !== undefined && /g=apidiscovery\.k8s\.io/.test(match) && /v=v2(;|$|\s)/.test(match);
}

function aggregated(request: ApiRequest, definitions: readonly ResourceDefinition[]): ApiResponse {
  const items = [...Map.groupBy(definitions, (d) => d.group)].map(([group, members]) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: [...Map.groupBy(members, (d) => d.version)].map(([version, served]) => ({
      version,
      resources: served.map(aggregatedResource),
      freshness: 'Current',
    })),
  }));
  const body = `${JSON.stringify({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items,
  })}\n`;
  const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
  const headers = {
    'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
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
  const { resource, namespaced, singular, verbs, shortNames, categories, subresources } = definition;
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
