// The conversion of a definition: none, or a webhook.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Label } from '../../../../apimachinery/validation/names.ts';
import type { CustomResourceConversion, ServiceReference, WebhookClientConfig } from '../types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;
const strategies = ['None', 'Webhook'];
const reviewVersions = ['v1', 'v1beta1'];

export function validateConversion(conversion: CustomResourceConversion | undefined, path: string): FieldError[] {
  if (!conversion) return [];
  const { strategy = '', webhook } = conversion;
  const errors: FieldError[] = [];
  if (strategy === '') errors.push(required(`${path}.strategy`));
  else if (!strategies.includes(strategy)) errors.push(notSupported(`${path}.strategy`, strategy, strategies));
  const at = `${path}.webhookClientConfig`;
  if (strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook';
    if (webhook?.clientConfig) errors.push(forbidden(at, detail));
    if (webhook?.conversionReviewVersions?.length) errors.push(forbidden(`${path}.conversionReviewVersions`, detail));
    return errors;
  }
  if (!webhook?.clientConfig) errors.push(required(at, 'required when strategy is set to Webhook'));
  else errors.push(...validateClientConfig(webhook.clientConfig, at));
  errors.push(...validateReviewVersions(webhook?.conversionReviewVersions ?? [], `${path}.conversionReviewVersions`));
  return errors;
}

function validateClientConfig({ url, service }: WebhookClientConfig, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  return url === undefined ? validateService(service!, `${path}.service`) : validateUrl(url, `${path}.url`);
}

function validateUrl(url: string, path: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const parsed = URL.parse(url);
  if (!parsed) return [required(path, `url must be a valid URL: parse ${JSON.stringify(url)}${form}`)];
  const refuse = (what: string, value: string) => invalid(path, value, `${what}${form}`);
  const errors: FieldError[] = [];
  if (parsed.protocol !== 'https:') {
    errors.push(refuse("'https' is the only allowed URL scheme", parsed.protocol.slice(0, -1)));
  }
  if (parsed.host === '') errors.push(refuse('host must be specified', parsed.host));
  if (parsed.username !== '' || parsed.password !== '') {
    errors.push(refuse('user information is not permitted in the URL', parsed.username));
  }
  if (parsed.hash !== '') errors.push(refuse('fragments are not permitted in the URL', parsed.hash.slice(1)));
  if (parsed.search !== '')
    errors.push(refuse('query parameters are not permitted in the URL', parsed.search.slice(1)));
  return errors;
}

function validateService({ name, namespace, path: urlPath, port }: ServiceReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(required(`${path}.name`, 'service name is required'));
  if (!namespace) errors.push(required(`${path}.namespace`, 'service namespace is required'));
  if (port !== undefined && (port < 1 || port > 65535)) {
    errors.push(invalid(`${path}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  if (urlPath !== undefined) errors.push(...validateServicePath(urlPath, `${path}.path`));
  return errors;
}

function validateServicePath(urlPath: string, path: string): FieldError[] {
  if (urlPath === '/' || urlPath === '') return [];
  if (urlPath === '//') return [invalid(path, urlPath, 'segment[0] may not be empty')];
  const errors: FieldError[] = [];
  if (!urlPath.startsWith('/')) errors.push(invalid(path, urlPath, "must start with a '/'"));
  const segments = urlPath.replace(/^\//, '').replace(/\/$/, '').split('/');
  for (const [i, segment] of segments.entries()) {
    if (segment === '') {
      errors.push(invalid(path, urlPath, `segment[${i}] may not be empty`));
      continue;
    }
    const wrong = dns1123Label(segment).length === 0 ? [] : segmentErrors(segment);
    for (const failure of wrong) errors.push(invalid(path, urlPath, `segment[${i}]: ${failure}`));
  }
  return errors;
}

/** A segment is a DNS-1123 subdomain's label or several. */
function segmentErrors(segment: string): string[] {
  return segment.split('.').every((part) => dns1123Label(part).length === 0) ? [] : dns1123Label(segment);
}

function validateReviewVersions(versions: readonly string[], path: string): FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalid(`${path}[${i}]`, version, 'duplicate version'));
    else errors.push(...dns1035Label(version).map((message) => invalid(`${path}[${i}]`, version, message)));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
  return errors;
}
