// Which proxies the server believes when they say who asks, and so do the servers behind it (`--requestheader-*`).
import { X509Certificate } from 'node:crypto';
import { type RequestHeaderConfig, usualRequestHeaders } from '../apiserver/authentication/request-header.ts';
import { frontProxyClientName, type Pki } from '../apiserver/pki/pki.ts';
import { realFiles } from '../system/real/files.ts';
import { Failure } from './failure.ts';

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

/** The PEM file that a flag names, if it names one. Throws a Failure where it is missing or holds no certificate. */
export async function readAuthorities(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await realFiles.read(path);
  if (text === undefined) throw new Failure(`${flag} ${path}: there is no such file`);
  try {
    new X509Certificate(text);
  } catch (error) {
    throw new Failure(`${flag} ${path}: no certificate in PEM`, { cause: error });
  }
  return text;
}
