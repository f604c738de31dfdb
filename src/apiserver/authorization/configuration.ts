// Who decides, and in which order: from the file of `--authorization-config` (apiserver.config.k8s.io
// AuthorizationConfiguration). Pure: the file is parsed YAML or JSON.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { goDurationError, parseGoDuration } from '../../apimachinery/duration.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { bool, decodeConfiguration, duration, list, struct, text } from '../configuration-decode.ts';
import { fieldsOf, listOf, textOf } from '../configuration-fields.ts';
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

function throwAll(messages: readonly string[]): void {
  if (messages.length > 0) throw new Error(aggregate(messages));
}

function readAuthorizers(value: unknown): readonly Unchecked[] {
  try {
    const { apiVersion, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
    if (!versions.includes(String(apiVersion)) || kind !== 'AuthorizationConfiguration') {
      throw new Error(`expected apiVersion ${versions[0]} and kind AuthorizationConfiguration`);
    }
    const file = decodeConfiguration(value, fileShape, { isStrict: true });
    return listOf(file.authorizers, 'authorizers').map((one, i) => authorizerOf(one, `authorizers[${i}]`));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`failed to load AuthorizationConfiguration from file: ${message}`, { cause: error });
  }
}

const fileShape = struct('AuthorizationConfiguration', {
  apiVersion: text,
  kind: text,
  authorizers: list(
    struct('AuthorizerConfiguration', {
      type: text,
      name: text,
      webhook: struct('WebhookConfiguration', {
        authorizedTTL: duration,
        cacheAuthorizedRequests: bool,
        unauthorizedTTL: duration,
        cacheUnauthorizedRequests: bool,
        timeout: duration,
        subjectAccessReviewVersion: text,
        matchConditionSubjectAccessReviewVersion: text,
        failurePolicy: text,
        connectionInfo: struct('WebhookConnectionInfo', { type: text, kubeConfigFile: text }),
        matchConditions: list(struct('WebhookMatchCondition', { expression: text })),
      }),
    }),
  ),
});

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
  const told = (name: string) => textOf(fields[name], `${at}.${name}`);
  const time = (name: string) => durationOf(fields[name], `${at}.${name}`);
  const info = fieldsOf(fields.connectionInfo ?? {}, `${at}.connectionInfo`, ['type', 'kubeConfigFile']);
  const { kubeConfigFile } = info;
  return {
    authorizedTTL: time('authorizedTTL') || usualAuthorizedTTL,
    unauthorizedTTL: time('unauthorizedTTL') || usualUnauthorizedTTL,
    cacheAuthorizedRequests: isTrue(fields.cacheAuthorizedRequests, `${at}.cacheAuthorizedRequests`),
    cacheUnauthorizedRequests: isTrue(fields.cacheUnauthorizedRequests, `${at}.cacheUnauthorizedRequests`),
    timeout: time('timeout'),
    subjectAccessReviewVersion: told('subjectAccessReviewVersion'),
    matchConditionSubjectAccessReviewVersion: told('matchConditionSubjectAccessReviewVersion'),
    failurePolicy: told('failurePolicy'),
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
  const written = textOf(value, at);
  const milliseconds = parseGoDuration(written);
  if (milliseconds === undefined) throw new Error(goDurationError(written));
  return milliseconds;
}

function isTrue(value: unknown, at: string): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'boolean') throw new Error(`${at}: must be true or false`);
  return value;
}
