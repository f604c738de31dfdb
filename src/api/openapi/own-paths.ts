// The paths that belong to no resource: by them generated clients ask for the version, for the groups that there are, and for
// the resources of one. Those of groups are of built-in ones alone, as upstream.

import type { Components, JsonSchema } from './components.ts';
import { contentOf, documentName, idPart, objectTypes, type PathResource, tagOf } from './paths.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** A path that is only read. */
export interface OwnPath {
  /** What /openapi/v3 calls its document. */
  readonly document: string;
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  /** The full name of what it answers; absent: some text. */
  readonly type?: string;
  readonly produces?: readonly string[];
}

const json = ['application/json'];

const ofTheServer: readonly OwnPath[] = [
  {
    document: '.well-known/openid-configuration',
    path: '/.well-known/openid-configuration',
    operationId: 'getServiceAccountIssuerOpenIDConfiguration',
    tag: 'WellKnown',
    produces: json,
  },
  {
    document: 'openid/v1/jwks',
    path: '/openid/v1/jwks',
    operationId: 'getServiceAccountIssuerOpenIDKeyset',
    tag: 'openid',
    produces: ['application/jwk-set+json'],
  },
  {
    document: 'version',
    path: '/version/',
    operationId: 'getCodeVersion',
    tag: 'version',
    type: 'io.k8s.apimachinery.pkg.version.Info',
    produces: json,
  },
  { document: 'api', path: '/api/', operationId: 'getCoreAPIVersions', tag: 'core', type: `${META}.APIVersions` },
  { document: 'apis', path: '/apis/', operationId: 'getAPIVersions', tag: 'apis', type: `${META}.APIGroupList` },
];

/** Those of the server, of each group, and of each version of a group. */
export function ownPaths(resources: readonly PathResource[]): readonly OwnPath[] {
  const builtIn = resources.filter(({ openApiSchema }) => openApiSchema === undefined);
  const groups = new Set(builtIn.map(({ group }) => group).filter((group) => group !== ''));
  const versions = new Map(builtIn.map((resource) => [documentName(resource), resource]));
  return [
    ...ofTheServer,
    ...[...groups].map((group) => ({
      document: `apis/${group}`,
      path: `/apis/${group}/`,
      operationId: `get${idPart(tagOf(group))}APIGroup`,
      tag: tagOf(group),
      type: `${META}.APIGroup`,
    })),
    ...[...versions].map(([document, { group, version }]) => ({
      document,
      path: `/${document}/`,
      operationId: `get${idPart(tagOf(group, version))}APIResources`,
      tag: tagOf(group, version),
      type: `${META}.APIResourceList`,
    })),
  ];
}

export function ownPathItem(own: OwnPath, components: Components): JsonSchema {
  const { operationId, tag, type, produces = objectTypes } = own;
  const schema = type === undefined ? { type: 'string' } : components.reference(type);
  return {
    get: {
      operationId,
      tags: [tag],
      ...(components.version === 2 && { produces }),
      responses: {
        '200': { description: 'OK', ...contentOf(components, schema, produces) },
        '401': { description: 'Unauthorized' },
      },
    },
  };
}
