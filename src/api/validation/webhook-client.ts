// Where a webhook is reached: of admission and of conversion alike (k8s.io/apiserver/pkg/util/webhook).
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { parseGoUrl } from '../../apimachinery/validation/go-url.ts';
import { dns1123Subdomain, portNumberErrors } from '../../apimachinery/validation/names.ts';

const { required, invalid } = fieldError;

interface ServiceReference {
  readonly name?: string;
  readonly namespace?: string;
  readonly path?: string;
  /** Defaulted to 443 before. */
  readonly port?: number;
}

/** The caBundle is left out: only definitions of custom resources are refused for it. */
interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: ServiceReference;
}

export function validateWebhookClientConfig({ url, service }: WebhookClientConfig, path: string): FieldError[] {
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
