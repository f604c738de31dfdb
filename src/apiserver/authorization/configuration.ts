// Who decides, and in which order: from the file of `--authorization-config` (apiserver.config.k8s.io
// AuthorizationConfiguration). Pure: the file is parsed YAML or JSON.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { goDurationError, parseGoDuration } from '../../apimachinery/duration.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { bool, type Decoded, decodeConfiguration, duration, list, struct, text } from '../configuration-decode.ts';
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
    const { authorizers = [] } = decodeConfiguration(value, fileShape, { isStrict: true });
    return authorizers.map(({ type = '', name = '', webhook }) => ({
      type,
      name,
      ...(webhook && { webhook: webhookOf(webhook) }),
    }));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`failed to load AuthorizationConfiguration from file: ${message}`, { cause: error });
  }
}

const webhookShape = struct('WebhookConfiguration', {
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
});
const fileShape = struct('AuthorizationConfiguration', {
  apiVersion: text,
  kind: text,
  authorizers: list(struct('AuthorizerConfiguration', { type: text, name: text, webhook: webhookShape })),
});

function webhookOf({
  cacheAuthorizedRequests = true,
  cacheUnauthorizedRequests = true,
  subjectAccessReviewVersion = '',
  matchConditionSubjectAccessReviewVersion = '',
  failurePolicy = '',
  connectionInfo = {},
  matchConditions = [],
  ...times
}: Decoded<typeof webhookShape>): WebhookConfiguration {
  return {
    authorizedTTL: durationOf(times.authorizedTTL) || usualAuthorizedTTL,
    unauthorizedTTL: durationOf(times.unauthorizedTTL) || usualUnauthorizedTTL,
    cacheAuthorizedRequests,
    cacheUnauthorizedRequests,
    timeout: durationOf(times.timeout),
    subjectAccessReviewVersion,
    matchConditionSubjectAccessReviewVersion,
    failurePolicy,
    connectionInfo: { type: '', ...connectionInfo },
    matchConditions: matchConditions.map(({ expression = '' }) => ({ expression })),
  };
}

/** Milliseconds; what is not there is 0. */
function durationOf(written: string | undefined): number {
  if (written === undefined) return 0;
  const milliseconds = parseGoDuration(written);
  if (milliseconds === undefined) throw new Error(goDurationError(written));
  return milliseconds;
}
