import { apiVersionOf } from '../../apimachinery/object.ts';
import { notFound } from '../../apimachinery/status.ts';
import type { RawRequest, RawResponse } from '../types.ts';
import { builtinResources } from './builtin-resources.ts';

/** Answers `/api`, `/apis`, `/api/v1` and `/apis/GROUP/VERSION`; any other path is not there. */
export function answerDiscovery(request: RawRequest): RawResponse {
  const found = documentOf(request.path);
  if (found) return json(200, found);
  return json(404, notFound({ group: '', resource: 'paths' }, request.path).status);
}

function documentOf(path: string): unknown {
  const versions = [...new Set(builtinResources.map(apiVersionOf))];
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') {
    const groups = versions
      .filter((v) => v.includes('/'))
      .map((groupVersion) => {
        const [name, version] = groupVersion.split('/');
        return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
      });
    return { kind: 'APIGroupList', groups };
  }
  const groupVersion = path.startsWith('/apis/') ? path.slice('/apis/'.length) : path.replace(/^\/api\//, '');
  if (!versions.includes(groupVersion)) return undefined;
  const resources = builtinResources
    .filter((r) => apiVersionOf(r) === groupVersion)
    .map(({ resource, kind, namespaced, verbs }) => ({ name: resource, singularName: '', kind, namespaced, verbs }));
  return { kind: 'APIResourceList', groupVersion, resources };
}

function json(status: number, value: unknown): RawResponse {
  async function* body() {
    yield Buffer.from(JSON.stringify(value));
  }
  return { status, headers: { 'content-type': 'application/json' }, body: body() };
}
