// The conversion of a definition: none, or a webhook.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Subdomain, portNumberErrors } from '../../../../apimachinery/validation/names.ts';
import { parseGoUrl } from '../../../validation/go-url.ts';
import type { CustomResourceConversion, ServiceReference, WebhookClientConfig } from '../types.generated.ts';
import type { Leniency } from './ratcheting.ts';

const { required, forbidden, invalid, notSupported } = fieldError;
const strategies = ['None', 'Webhook'];
const reviewVersions = ['v1', 'v1beta1'];

export function validateConversion(
  conversion: CustomResourceConversion | undefined,
  path: string,
  leniency: Pick<Leniency, 'anyReviewVersion' | 'anyCaBundle'>,
): FieldError[] {
  if (!conversion) return [];
  const { strategy = '', webhook } = conversion;
  const errors: FieldError[] = [];
  if (strategy === '') errors.push(required(`${path}.strategy`));
  else if (!strategies.includes(strategy)) errors.push(notSupported(`${path}.strategy`, strategy, strategies));
  const at = `${path}.webhookClientConfig`;
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig) errors.push(forbidden(at, detail));
    if (versions.length > 0) errors.push(forbidden(`${path}.conversionReviewVersions`, detail));
    return errors;
  }
  const { clientConfig } = webhook ?? {};
  if (!clientConfig) errors.push(required(at, 'required when strategy is set to Webhook'));
  else {
    errors.push(...validateClientConfig(clientConfig, at));
    const { caBundle = '' } = clientConfig;
    if (caBundle !== '' && !leniency.anyCaBundle && !isCaBundle(caBundle)) {
      errors.push(
        invalid(`${at}.caBundle`, caBundle, 'unable to load root certificates: unable to parse bytes as PEM block'),
      );
    }
  }
  return [...errors, ...validateReviewVersions(versions, `${path}.conversionReviewVersions`, leniency)];
}

/** Whether base64 holds certificates in PEM; what is in their blocks is not looked at. */
export function isCaBundle(caBundle: string): boolean {
  const text = Buffer.from(caBundle, 'base64').toString('latin1');
  return /-----BEGIN CERTIFICATE-----\s[\sA-Za-z0-9+/=]*-----END CERTIFICATE-----/.test(text);
}

function validateClientConfig({ url, service }: WebhookClientConfig, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  return url === undefined ? validateService(service!, `${path}.service`) : validateUrl(url, `${path}.url`);
}

function validateUrl(text: string, path: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const url = parseGoUrl(text);
  if (typeof url === 'string') return [required(path, `url must be a valid URL: ${url}${form}`)];
  const { scheme, host, user, fragment, query } = url;
  const errors: FieldError[] = [];
  if (scheme !== 'https') errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme${form}`));
  if (host === '') errors.push(invalid(path, host, `host must be specified${form}`));
  if (user !== undefined) errors.push(invalid(path, user, 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(path, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validateService({ name, namespace, path: urlPath, port = 0 }: ServiceReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream takes the one for the other, and clients read its words.
  if (!namespace) errors.push(required(`${path}.name`));
  if (!name) errors.push(required(`${path}.namespace`));
  const wrongPort = portNumberErrors(port);
  if (wrongPort.length > 0) errors.push(invalid(`${path}.port`, port, `port is not valid: ${wrongPort.join(', ')}`));
  return urlPath === undefined ? errors : [...errors, ...validateServicePath(urlPath, `${path}.path`)];
}

function validateServicePath(urlPath: string, path: string): FieldError[] {
  if (urlPath === '/' || urlPath === '') return [];
  if (urlPath === '//') return [invalid(path, urlPath, 'segment[0] may not be empty')];
  const errors: FieldError[] = [];
  if (!urlPath.startsWith('/')) errors.push(invalid(path, urlPath, "must start with a '/'"));
  for (const [i, segment] of urlPath.slice(1).replace(/\/$/, '').split('/').entries()) {
    const failures =
      segment === '' ? [' may not be empty'] : dns1123Subdomain(segment).map((failure) => `: ${failure}`);
    for (const failure of failures) errors.push(invalid(path, urlPath, `segment[${i}]${failure}`));
  }
  return errors;
}

export function hasKnownReviewVersion(versions: readonly string[]): boolean {
  return versions.some((version) => reviewVersions.includes(version));
}

function validateReviewVersions(
  versions: readonly string[],
  path: string,
  { anyReviewVersion }: Pick<Leniency, 'anyReviewVersion'>,
): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalid(`${path}[${i}]`, version, 'duplicate version'));
    else errors.push(...dns1035Label(version).map((message) => invalid(`${path}[${i}]`, version, message)));
  }
  if (!anyReviewVersion && !hasKnownReviewVersion(versions)) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
  return errors;
}
