// Which proxies the server believes when they say who asks, and so do the servers behind it (`--requestheader-*`).
import { type RequestHeaderConfig, usualRequestHeaders } from '../apiserver/authentication/request-header.ts';
import { frontProxyClientName, type Pki } from '../apiserver/pki/pki.ts';
import { readAuthorities } from './flag-file.ts';

/** Lists of nobody mean the cluster's own. */
export interface FrontProxyConfig extends Partial<Omit<RequestHeaderConfig, 'ca'>> {
  /** PEM file of further authorities, beside the cluster's own. */
  readonly caFile?: string;
}

/** Throws a Failure where the file of authorities is missing or holds none. */
export async function openFrontProxy(config: FrontProxyConfig, { frontProxy }: Pki): Promise<RequestHeaderConfig> {
  const { caFile, allowedNames = [], ...headers } = config;
  const given = await readAuthorities('--requestheader-client-ca-file', caFile);
  // Without names any certificate of a given authority is a proxy's, as upstream; the cluster's own signs one name only.
  const names = given !== undefined && allowedNames.length === 0 ? [] : [...allowedNames, frontProxyClientName];
  return {
    ...usualRequestHeaders,
    ...headers,
    allowedNames: [...new Set(names)],
    ca: given === undefined ? frontProxy.ca.certPem : `${given.trimEnd()}\n${frontProxy.ca.certPem}`,
  };
}
