// `/.well-known/openid-configuration` and `/openid/v1/jwks`: by them others check service account tokens without asking us
// (OpenID Connect Discovery 1.0). Who may read them is RBAC's to say (system:service-account-issuer-discovery).

import { createPublicKey } from 'node:crypto';
import { table } from '../../apimachinery/table.ts';
import { methodNotAllowed } from '../errors.ts';
import type { PathHandler } from '../extensions.ts';
import type { ApiResponse } from '../request.ts';
import { keyId, serviceAccountIssuer } from './service-account-token.ts';

const configurationPath = '/.well-known/openid-configuration';
const keysPath = '/openid/v1/jwks';

export interface IssuerDiscoveryOptions {
  /** PEM of the private key that signs; only its public half is told. */
  readonly keyPem: string;
  /** `https://HOST:PORT` at which the server is reached. */
  readonly serverUrl: string;
}

function document(type: string, value: unknown): ApiResponse {
  const headers = { 'content-type': type, 'cache-control': 'public, max-age=3600' };
  return { status: 200, headers, body: JSON.stringify(value) };
}

export function issuerDiscovery({ keyPem, serverUrl }: IssuerDiscoveryOptions): readonly PathHandler[] {
  const key = createPublicKey(keyPem);
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const { kty, ...jwk } = key.export({ format: 'jwk' });
  const documents = table<() => ApiResponse>({
    [configurationPath]: () =>
      document('application/json', {
        issuer: serviceAccountIssuer,
        jwks_uri: `${serverUrl}${keysPath}`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [alg],
      }),
    [keysPath]: () =>
      document('application/jwk-set+json', { keys: [{ use: 'sig', kty, kid: keyId(key), alg, ...jwk }] }),
  });
  return Object.entries(documents).flatMap(([path, answer]) =>
    [path, `${path}/`].map((one) => ({
      path: one,
      async handle(request) {
        if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
        return answer();
      },
    })),
  );
}
