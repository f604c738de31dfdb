// kube-system/extension-apiserver-authentication: from it other API servers learn which client certificates are this
// cluster's, and by which certificate and headers this server tells them who asks.
import type { Transport } from '../../client/types.ts';
import type { RequestHeaderConfig } from '../authentication/request-header.ts';

const path = '/api/v1/namespaces/kube-system/configmaps';
const name = 'extension-apiserver-authentication';

export interface AuthenticationConfig {
  /** PEM. */
  readonly clientCA: string;
  readonly requestHeader: RequestHeaderConfig;
}

function dataOf({ clientCA, requestHeader }: AuthenticationConfig): Record<string, string> {
  return {
    'client-ca-file': clientCA,
    'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
    'requestheader-client-ca-file': requestHeader.ca,
    'requestheader-extra-headers-prefix': JSON.stringify(requestHeader.extraHeaderPrefixes),
    'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
    'requestheader-uid-headers': JSON.stringify(requestHeader.uidHeaders),
    'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
  };
}

/** Creates the ConfigMap, or corrects it. */
export async function ensureAuthenticationConfig(transport: Transport, config: AuthenticationConfig): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: dataOf(config) };
  const created = await transport.request({ method: 'POST', path, headers, body: JSON.stringify(object) });
  if (created.status !== 409) return;
  const patch = { 'content-type': 'application/merge-patch+json' };
  const body = JSON.stringify({ data: object.data });
  await transport.request({ method: 'PATCH', path: `${path}/${name}`, headers: patch, body });
}
