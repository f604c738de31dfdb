// MutatingWebhookConfiguration and ValidatingWebhookConfiguration.

import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { optionalOneOf } from '../../../validation/values.ts';
import { validateWebhookClientConfig } from '../../../validation/webhook-client.ts';
import {
  defaultRules,
  failurePolicies,
  validateMatchConditions,
  validateMatchPolicy,
  validateRule,
} from '../match-resources.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../types.generated.ts';

const { required, invalid, duplicate, notSupported } = fieldError;

const sideEffectClasses = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const harmless = ['None', 'NoneOnDryRun'];
const reviewVersions = ['v1', 'v1beta1'];
const mustBeOneOf = `must specify one of ${reviewVersions.join(', ')}`;

type Webhook = MutatingWebhook;
type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  const { service } = webhook.clientConfig ?? {};
  if (service) service.port ??= 443;
  defaultRules(webhook.rules);
}

/** What an update may keep though it would be refused if it were new. */
interface Leniency {
  readonly sideEffects: boolean;
  readonly reviewVersions: boolean;
  readonly repeatedNames: boolean;
  readonly selectors: boolean;
}

const strict: Leniency = { sideEffects: false, reviewVersions: false, repeatedNames: false, selectors: false };

function leniencyFor(old: readonly Webhook[]): Leniency {
  const names = old.map(({ name }) => name);
  return {
    sideEffects: old.some(({ sideEffects }) => !harmless.includes(sideEffects)),
    reviewVersions: old.some(
      ({ admissionReviewVersions: v = [] }) => v.length > 0 && !v.some((one) => reviewVersions.includes(one)),
    ),
    repeatedNames: new Set(names).size < names.length,
    selectors: old.some((one) => validateSelectors(one, '').length > 0),
  };
}

function validateConfiguration({ webhooks = [] }: Configuration, leniency: Leniency): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, webhook] of (webhooks as Webhook[]).entries()) {
    const path = `webhooks[${i}]`;
    errors.push(...validateWebhook(webhook, path, leniency));
    errors.push(
      ...validateReviewVersions(webhook.admissionReviewVersions, `${path}.admissionReviewVersions`, leniency),
    );
    if (!leniency.repeatedNames && webhook.name && seen.has(webhook.name)) {
      errors.push(duplicate(`${path}.name`, webhook.name));
    }
    seen.add(webhook.name);
  }
  return errors;
}

function validateWebhook(webhook: Webhook, path: string, leniency: Leniency): FieldError[] {
  const { name, rules = [], sideEffects, timeoutSeconds, clientConfig = {} } = webhook;
  const classes = leniency.sideEffects ? sideEffectClasses : harmless;
  const errors = [
    ...fullyQualified(`${path}.name`, name ?? ''),
    ...rules.flatMap((rule, i) => validateRule(rule, `${path}.rules[${i}]`)),
    ...optionalOneOf(`${path}.failurePolicy`, webhook.failurePolicy, failurePolicies),
    ...validateMatchPolicy(`${path}.matchPolicy`, webhook.matchPolicy),
  ];
  if (sideEffects === undefined)
    errors.push(required(`${path}.sideEffects`, `must specify one of ${classes.join(', ')}`));
  else if (!classes.includes(sideEffects)) errors.push(notSupported(`${path}.sideEffects`, sideEffects, classes));
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    const why = 'the timeout value must be between 1 and 30 seconds';
    errors.push(invalid(`${path}.timeoutSeconds`, timeoutSeconds, why));
  }
  if (!leniency.selectors) errors.push(...validateSelectors(webhook, `${path}.`));
  errors.push(...optionalOneOf(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']));
  errors.push(...validateWebhookClientConfig(clientConfig, `${path}.clientConfig`));
  errors.push(...validateMatchConditions(webhook.matchConditions, `${path}.matchConditions`));
  return errors;
}

function validateSelectors({ namespaceSelector, objectSelector }: Webhook, prefix: string): FieldError[] {
  return [
    ...(namespaceSelector ? validateLabelSelector(namespaceSelector, `${prefix}namespaceSelector`) : []),
    ...(objectSelector ? validateLabelSelector(objectSelector, `${prefix}objectSelector`) : []),
  ];
}

/** At least three labels: `a.example.com`. */
function fullyQualified(path: string, name: string): FieldError[] {
  if (name === '') return [required(path)];
  const errors = dns1123Subdomain(name);
  if (errors.length > 0) return [invalid(path, name, errors.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(path, name, 'should be a domain with at least three segments separated by dots')];
}

function validateReviewVersions(versions: readonly string[] = [], path: string, leniency: Leniency): FieldError[] {
  if (versions.length === 0) return [required(path, mustBeOneOf)];
  const errors: FieldError[] = [];
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) errors.push(invalid(`${path}[${i}]`, version, 'duplicate version'));
    else errors.push(...nameErrors(dns1035Label, `${path}[${i}]`, version));
  }
  if (!leniency.reviewVersions && !versions.some((version) => reviewVersions.includes(version))) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
  return errors;
}

function kindOf<T extends Configuration>(defaults: (webhook: Webhook) => void): Kind<T> {
  return {
    countsGeneration: true,
    allowUnconditionalUpdate: false,
    columns: [nameColumn, column('Webhooks', 'How many webhooks there are.', { type: 'integer' }), ageColumn],
    cells: (object, now) => [object.metadata.name, object.webhooks?.length ?? 0, ageCell(object, now)],
    strategy: {
      default({ webhooks = [] }) {
        for (const webhook of webhooks as Webhook[]) {
          defaultWebhook(webhook);
          defaults(webhook);
        }
      },
      validate: (object) => validateConfiguration(object, strict),
      validateUpdate: (object, old) =>
        deepEqual(object.webhooks, old.webhooks)
          ? []
          : validateConfiguration(object, leniencyFor((old.webhooks ?? []) as Webhook[])),
    },
  };
}

export const mutatingWebhookConfiguration: Kind<MutatingWebhookConfiguration> = kindOf((webhook) => {
  webhook.reinvocationPolicy ??= 'Never';
});

export const validatingWebhookConfiguration: Kind<ValidatingWebhookConfiguration> = kindOf(() => {});
