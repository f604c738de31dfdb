// /openapi/v2 and /openapi/v3. The documents themselves are made in src/api/openapi, when first asked for.
import { type KeptDocuments, type MadeDocument, type OpenApi, openApi } from '../../api/openapi/openapi.ts';
import type { Registry } from '../registry/registry.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { kubernetesVersion } from '../version.ts';

interface Made {
  readonly api: OpenApi;
  readonly kept: KeptDocuments;
  /** Of the registry when they were made: resources come and go. */
  readonly generation: number;
}

const documents = new WeakMap<Registry, Made>();

function documentsOf(registry: Registry): OpenApi {
  const { generation } = registry;
  const present = documents.get(registry);
  if (present?.generation === generation) return present.api;
  const kept: KeptDocuments = present?.kept ?? new Map();
  const resources = registry.definitions.flatMap((definition) => {
    const { openApiSchema, subresources } = definition;
    return [definition, ...subresources.map((sub) => (openApiSchema ? { ...sub, openApiSchema } : sub))];
  });
  const api = openApi({ resources, version: `v${kubernetesVersion}`, kept });
  documents.set(registry, { api, kept, generation });
  return api;
}

/** What Go clients ask for, with a version after an @. */
const swaggerMessage = 'application/com.github.proto-openapi.spec.v2';

/** Undefined: no such document. `now` in milliseconds since the epoch. */
export function openApiResponse(request: ApiRequest, registry: Registry, now: number): ApiResponse | undefined {
  const all = documentsOf(registry);
  const path = request.path.replace(/\/$/, '');
  if (path === '/openapi/v2') {
    const wantsMessage = request.headers.accept?.includes(swaggerMessage) ?? false;
    if (!wantsMessage) return documentResponse(request, all.swagger());
    const response = documentResponse(request, all.swaggerMessage());
    return { ...response, headers: { ...response.headers, 'content-type': `${swaggerMessage}.v1.0+protobuf` } };
  }
  if (path === '/openapi/v3') {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: `${all.index()}\n` };
  }
  if (!path.startsWith('/openapi/v3/')) return undefined;
  const document = all.document(path.slice('/openapi/v3/'.length));
  return document && hashedResponse(request, document, now);
}

const yearMs = 365 * 24 * 3600 * 1000;

/** A document whose URL may name its hash: kept for good then; under a hash that has passed, the present one is shown the way to. */
function hashedResponse(request: ApiRequest, document: MadeDocument, now: number): ApiResponse {
  const named = request.query.get('hash');
  if (!named) return documentResponse(request, document);
  if (named !== document.hash) {
    const location = `${request.path}?hash=${document.hash}`;
    return { status: 301, headers: { location, 'content-type': 'text/plain; charset=utf-8' }, body: '' };
  }
  const response = documentResponse(request, document);
  const kept = { 'cache-control': 'public, immutable', expires: new Date(now + yearMs).toUTCString() };
  return { ...response, headers: { ...response.headers, ...kept } };
}

function documentResponse(request: ApiRequest, { body, hash }: MadeDocument): ApiResponse {
  const etag = typeof body === 'string' ? `"${hash}"` : `"${hash}-message"`;
  const headers = { 'content-type': 'application/json', etag, vary: 'Accept-Encoding, Accept' };
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
  return { status: 200, headers, body };
}
