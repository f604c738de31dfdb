// Proxies that have authenticated the user themselves say in headers who it is (`--requestheader-*`). They are believed only
// by their client certificate: signed by the authority for proxies, under one of the allowed names.
import { setKey } from '../../apimachinery/json/value.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { ClientCertificate } from '../client-certificate.ts';
import { headerText } from '../header-text.ts';
import { type ApiRequest, headerValues, type User } from '../request.ts';
import { unescaped } from '../unescaped.ts';

export interface RequestHeaderConfig {
  /** PEM of the authorities whose certificates proxies show. */
  readonly ca: string;
  /** Common names of such certificates; empty: any. */
  readonly allowedNames: readonly string[];
  /** Names of headers, in any case; the first that is there tells. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  /** Names of headers, all of which tell. */
  readonly groupHeaders: readonly string[];
  /** What headers start with that tell further fields of the user. */
  readonly extraHeaderPrefixes: readonly string[];
}

/** As every cluster has them: what this server itself sends to the servers behind it. */
export const usualRequestHeaders: Omit<RequestHeaderConfig, 'ca' | 'allowedNames'> = {
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
};

type HeaderNames = Omit<RequestHeaderConfig, 'ca'>;
type Headers = Pick<ApiRequest, 'headers' | 'rawHeaders'>;

/** Undefined: no proxy asks, or it names nobody. */
export function requestHeaderUser(
  request: Headers & Pick<ApiRequest, 'clientCertificate'>,
  config: HeaderNames,
): User | undefined {
  if (!isProxy(request.clientCertificate, config)) return undefined;
  const valuesOf = (names: readonly string[]) =>
    names.flatMap((name) => headerValues(request, name.toLowerCase()).map(headerText));
  const [name] = valuesOf(config.usernameHeaders);
  if (name === undefined) return undefined;
  const [uid] = valuesOf(config.uidHeaders);
  const extra = extraOf(request, config.extraHeaderPrefixes);
  return {
    name,
    ...(uid !== undefined && { uid }),
    groups: valuesOf(config.groupHeaders),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** Whether a header tells who asks, so that nobody but this server may send it to the servers behind. */
export function isRequestHeader(header: string, config: HeaderNames): boolean {
  const name = header.toLowerCase();
  const { usernameHeaders, uidHeaders, groupHeaders, extraHeaderPrefixes } = config;
  return (
    [...usernameHeaders, ...uidHeaders, ...groupHeaders].some((one) => one.toLowerCase() === name) ||
    extraHeaderPrefixes.some((prefix) => name.startsWith(prefix.toLowerCase()))
  );
}

function isProxy(certificate: ClientCertificate | undefined, { allowedNames }: HeaderNames): boolean {
  if (!certificate?.verifiedBy.includes('requestHeader')) return false;
  return allowedNames.length === 0 || allowedNames.includes(certificate.commonName);
}

function extraOf(request: Headers, prefixes: readonly string[]): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const prefix of prefixes.map((one) => one.toLowerCase())) {
    for (const name of Object.keys(request.headers)) {
      if (!name.startsWith(prefix)) continue;
      const key = unescaped(name.slice(prefix.length));
      setKey(extra, key, [...(ownValue(extra, key) ?? []), ...headerValues(request, name).map(headerText)]);
    }
  }
  return extra;
}
