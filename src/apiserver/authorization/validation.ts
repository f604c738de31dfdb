// What an AuthorizationConfiguration must be: the rules and words of k8s.io/apiserver (pkg/apis/apiserver/validation). Pure.
import { oneOf } from '../../api/validation/values.ts';
import { formatGoDuration } from '../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../apimachinery/validation/names.ts';
import { authorizerTypes } from './authorizer-types.ts';
import type { AuthorizerConfiguration, WebhookConfiguration } from './configuration.ts';

/** What is asked of others. */
export interface Checks {
  /** What is wrong with a match condition; undefined: nothing. */
  readonly expression: (source: string) => string | undefined;
  /** What is wrong with the file of an absolute path; undefined: nothing. */
  readonly file: (path: string) => string | undefined;
}

type Unchecked = Omit<AuthorizerConfiguration, 'type'> & { readonly type: string };

const { invalid, required, duplicate, notSupported, tooMany } = fieldError;
const longestTimeout = 30_000;
const mostConditions = 64;

export function validateConfiguration(authorizers: readonly Unchecked[], checks: Checks): FieldError[] {
  if (authorizers.length === 0) return [required('authorizers', 'at least one authorization mode must be defined')];
  const types = new Set<string>();
  const names = new Set<string>();
  return authorizers.flatMap(({ type, name, webhook }, i) => {
    const at = `authorizers[${i}]`;
    if (type === '') return [required(`${at}.type`)];
    if (!authorizerTypes.some((one) => one === type)) return [notSupported(`${at}.type`, type, authorizerTypes)];
    if (types.has(type) && type !== 'Webhook') return [duplicate(`${at}.type`, type)];
    types.add(type);
    const errors = validateName(name, names, `${at}.name`);
    names.add(name);
    if (type === 'Webhook') {
      if (!webhook) return [...errors, required(`${at}.webhook`, 'required when type=Webhook')];
      // As upstream, whose paths leave the webhook's own field out.
      return [...errors, ...validateWebhook(webhook, at, checks)];
    }
    if (webhook) errors.push(invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook'));
    return errors;
  });
}

function validateName(name: string, before: ReadonlySet<string>, at: string): FieldError[] {
  if (name === '') return [required(at)];
  if (before.has(name)) return [duplicate(at, name)];
  const errors = dns1123Subdomain(name);
  return errors.length > 0 ? [invalid(at, name, `authorizer name is invalid: ${errors.join(', ')}`)] : [];
}

function validateWebhook(webhook: WebhookConfiguration, at: string, checks: Checks): FieldError[] {
  const { timeout, subjectAccessReviewVersion: version, failurePolicy: policy, matchConditions } = webhook;
  const matchVersion = webhook.matchConditionSubjectAccessReviewVersion;
  const errors: FieldError[] = [];
  if (timeout === 0) errors.push(required(`${at}.timeout`));
  else if (timeout < 0 || timeout > longestTimeout) {
    errors.push(invalid(`${at}.timeout`, formatGoDuration(timeout), 'must be > 0s and <= 30s'));
  }
  for (const name of ['authorizedTTL', 'unauthorizedTTL'] as const) {
    if (webhook[name] < 0) errors.push(invalid(`${at}.${name}`, formatGoDuration(webhook[name]), 'must be > 0s'));
  }
  errors.push(...oneOf(`${at}.subjectAccessReviewVersion`, version, ['v1', 'v1beta1']));
  if (matchVersion !== '' || matchConditions.length > 0) {
    const why = 'required if match conditions are specified';
    const place = `${at}.matchConditionSubjectAccessReviewVersion`;
    errors.push(...(matchVersion === '' ? [required(place, why)] : oneOf(place, matchVersion, ['v1'])));
  }
  return [
    ...errors,
    ...oneOf(`${at}.failurePolicy`, policy, ['NoOpinion', 'Deny']),
    ...validateConnection(webhook.connectionInfo, `${at}.connectionInfo`, checks),
    ...validateConditions(matchConditions, `${at}.matchConditions`, checks),
  ];
}

function validateConnection(
  { type, kubeConfigFile }: WebhookConfiguration['connectionInfo'],
  at: string,
  checks: Checks,
): FieldError[] {
  if (type === '') return [required(`${at}.type`)];
  if (type === 'InClusterConfig') {
    if (kubeConfigFile === undefined) return [];
    return [invalid(`${at}.kubeConfigFile`, kubeConfigFile, 'can only be set when type=KubeConfigFile')];
  }
  if (type !== 'KubeConfigFile') {
    // Upstream prints the whole struct.
    const printed = { Type: type, KubeConfigFile: kubeConfigFile ?? null };
    return [notSupported(`${at}.type`, printed, ['InClusterConfig', 'KubeConfigFile'])];
  }
  if (!kubeConfigFile) return [required(`${at}.kubeConfigFile`)];
  const wrong = kubeConfigFile.startsWith('/') ? checks.file(kubeConfigFile) : 'must be an absolute path';
  return wrong === undefined ? [] : [invalid(`${at}.kubeConfigFile`, kubeConfigFile, wrong)];
}

function validateConditions(
  conditions: WebhookConfiguration['matchConditions'],
  at: string,
  checks: Checks,
): FieldError[] {
  if (conditions.length > mostConditions) return [tooMany(at, conditions.length, mostConditions)];
  const seen = new Set<string>();
  return conditions.flatMap(({ expression }, i) => {
    const place = `${at}[${i}].expression`;
    if (expression.trim() === '') return [required(place)];
    if (seen.has(expression)) return [duplicate(place, expression)];
    seen.add(expression);
    const wrong = checks.expression(expression);
    return wrong === undefined ? [] : [invalid(place, expression, wrong)];
  });
}
