// The conversion of a definition: none, or a webhook.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label } from '../../../../apimachinery/validation/names.ts';
import { validateWebhookClientConfig } from '../../../validation/webhook-client.ts';
import type { CustomResourceConversion } from '../types.generated.ts';
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
    errors.push(...validateWebhookClientConfig(clientConfig, at));
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
