// kube-system/extension-apiserver-authentication: from it other API servers learn which client certificates are this
// cluster's, and by which certificate and headers this server tells them who asks.
import type { Transport } from '../../client/types.ts';
import { frontProxyClientName } from '../pki/pki.ts';

const path = '/api/v1/namespaces/kube-system/configmaps';
const name = 'extension-apiserver-authentication';

export interface AuthenticationConfig {
  /** PEM. */
  readonly clientCA: string;
  /** PEM. */
  readonly requestHeaderCA: string;
}

function dataOf({ clientCA, requestHeaderCA }: AuthenticationConfig): Record<string, string> {
  return {
    'client-ca-file': clientCA,
    'requestheader-allowed-names': JSON.stringify([frontProxyClientName]),
    'requestheader-client-ca-file': requestHeaderCA,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
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
