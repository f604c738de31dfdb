// `GET /cacerts`: the cluster's CA for agents that know only its fingerprint yet. Public, as certificates are.
import type { PathHandler } from '../extensions.ts';
import { textResponse } from '../request.ts';

export function caCertsPath(caPem: string): PathHandler {
  return { path: '/cacerts', isPublic: true, handle: async () => textResponse(200, caPem) };
}
