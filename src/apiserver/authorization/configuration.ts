// Who decides, and in which order: from the file of `--authorization-config` (apiserver.config.k8s.io
// AuthorizationConfiguration). Pure: the file is parsed YAML or JSON.
import { goDurationError, parseGoDuration } from '../../apimachinery/duration.ts';
import { table } from '../../apimachinery/table.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { FieldTypeError, fieldsOf, listOf, textOf } from '../configuration-fields.ts';
import type { AuthorizerType } from './authorizer-types.ts';
import { type Checks, validateConfiguration } from './validation.ts';

export interface AuthorizerConfiguration {
  readonly type: AuthorizerType;
  /** Of those other than webhooks: the type in lower case. */
  readonly name: string;
  /** Of webhooks, and of no other. */
  readonly webhook?: WebhookConfiguration;
}

export interface WebhookConfiguration {
  /** Milliseconds for which answers are kept that allow, and others. */
  readonly authorizedTTL: number;
  readonly unauthorizedTTL: number;
  /** Default true. */
  readonly cacheAuthorizedRequests: boolean;
  readonly cacheUnauthorizedRequests: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  /** `v1` or `v1beta1`. */
  readonly subjectAccessReviewVersion: string;
  readonly matchConditionSubjectAccessReviewVersion: string;
  /** `NoOpinion` or `Deny`: what it means when the webhook cannot be asked. */
  readonly failurePolicy: string;
  readonly connectionInfo: { readonly type: string; readonly kubeConfigFile?: string };
  readonly matchConditions: readonly { readonly expression: string }[];
}

type Unchecked = Omit<AuthorizerConfiguration, 'type'> & { readonly type: string };

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);
const usualAuthorizedTTL = 300_000;
const usualUnauthorizedTTL = 30_000;

/** Checks a parsed file. Throws an Error that names the fields at fault. */
export function checkConfiguration(value: unknown, checks: Checks): readonly AuthorizerConfiguration[] {
  const authorizers = readAuthorizers(value);
  throwAll(validateConfiguration(authorizers, checks).map(fieldErrorMessage));
  const wrongNames = authorizers
    .filter(({ type, name }) => type !== 'Webhook' && name !== type.toLowerCase())
    .map(({ type, name }) => `expected name ${type.toLowerCase()} for authorizer ${type} instead of ${name}`);
  throwAll(wrongNames);
  return authorizers as readonly AuthorizerConfiguration[];
}

/** Several are told as Kubernetes tells them (utilerrors.Aggregate). */
function throwAll(messages: readonly string[]): void {
  const [first, ...more] = new Set(messages);
  if (first !== undefined) throw new Error(more.length === 0 ? first : `[${[first, ...more].join(', ')}]`);
}

function readAuthorizers(value: unknown): readonly Unchecked[] {
  try {
    const file = fieldsOf(value, '', ['apiVersion', 'kind', 'authorizers']);
    if (!versions.includes(String(file.apiVersion)) || file.kind !== 'AuthorizationConfiguration') {
      throw new Error(`expected apiVersion ${versions[0]} and kind AuthorizationConfiguration`);
    }
    return listOf(file.authorizers, 'authorizers').map((one, i) => authorizerOf(one, `authorizers[${i}]`));
  } catch (error) {
    const why = error instanceof FieldTypeError ? typeMessage(error) : messageOf(error);
    throw new Error(`failed to load AuthorizationConfiguration from file: ${why}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Go's names of the types that fields are in, and of the types of some fields. */
const structs = table<string>({
  '': 'AuthorizationConfiguration',
  authorizers: 'AuthorizerConfiguration',
  'authorizers.webhook': 'WebhookConfiguration',
  'authorizers.webhook.connectionInfo': 'WebhookConnectionInfo',
  'authorizers.webhook.matchConditions': 'WebhookMatchCondition',
});
const types = table<string>({ cacheAuthorizedRequests: 'bool', cacheUnauthorizedRequests: 'bool' });

/** As Go's encoding/json tells that a value is of another type. */
function typeMessage({ at, value }: FieldTypeError): string {
  const path = at.replace(/\[\d+\]/g, '');
  const name = path.slice(path.lastIndexOf('.') + 1);
  const struct = structs[path.slice(0, Math.max(path.lastIndexOf('.'), 0))];
  const own = structs[path];
  const isList = own !== undefined && path.endsWith('s') && !at.endsWith(']');
  const type = own === undefined ? (types[name] ?? 'string') : `${isList ? '[]' : ''}v1.${own}`;
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go struct field ${struct}.${path} of type ${type}`;
}

function authorizerOf(value: unknown, at: string): Unchecked {
  const { type, name, webhook } = fieldsOf(value, at, ['type', 'name', 'webhook']);
  return {
    type: textOf(type, `${at}.type`),
    name: textOf(name, `${at}.name`),
    ...(webhook !== undefined && webhook !== null && { webhook: webhookOf(webhook, `${at}.webhook`) }),
  };
}

function webhookOf(value: unknown, at: string): WebhookConfiguration {
  const fields = fieldsOf(value, at, [
    ...['authorizedTTL', 'cacheAuthorizedRequests', 'unauthorizedTTL', 'cacheUnauthorizedRequests', 'timeout'],
    ...['subjectAccessReviewVersion', 'matchConditionSubjectAccessReviewVersion', 'failurePolicy', 'connectionInfo'],
    'matchConditions',
  ]);
  const text = (name: string) => textOf(fields[name], `${at}.${name}`);
  const duration = (name: string) => durationOf(fields[name], `${at}.${name}`);
  const info = fieldsOf(fields.connectionInfo ?? {}, `${at}.connectionInfo`, ['type', 'kubeConfigFile']);
  const { kubeConfigFile } = info;
  return {
    authorizedTTL: duration('authorizedTTL') || usualAuthorizedTTL,
    unauthorizedTTL: duration('unauthorizedTTL') || usualUnauthorizedTTL,
    cacheAuthorizedRequests: isTrue(fields.cacheAuthorizedRequests, `${at}.cacheAuthorizedRequests`),
    cacheUnauthorizedRequests: isTrue(fields.cacheUnauthorizedRequests, `${at}.cacheUnauthorizedRequests`),
    timeout: duration('timeout'),
    subjectAccessReviewVersion: text('subjectAccessReviewVersion'),
    matchConditionSubjectAccessReviewVersion: text('matchConditionSubjectAccessReviewVersion'),
    failurePolicy: text('failurePolicy'),
    connectionInfo: {
      type: textOf(info.type, `${at}.connectionInfo.type`),
      ...(kubeConfigFile !== undefined &&
        kubeConfigFile !== null && {
          kubeConfigFile: textOf(kubeConfigFile, `${at}.connectionInfo.kubeConfigFile`),
        }),
    },
    matchConditions: listOf(fields.matchConditions, `${at}.matchConditions`).map((one, i) => {
      const place = `${at}.matchConditions[${i}]`;
      return { expression: textOf(fieldsOf(one, place, ['expression']).expression, `${place}.expression`) };
    }),
  };
}

/** Milliseconds; what is not there is 0. */
function durationOf(value: unknown, at: string): number {
  if (value === undefined) return 0;
  const text = textOf(value, at);
  const milliseconds = parseGoDuration(text);
  if (milliseconds === undefined) throw new Error(goDurationError(text));
  return milliseconds;
}

function isTrue(value: unknown, at: string): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'boolean') throw new FieldTypeError(at, value, 'true or false');
  return value;
}
