// AdmissionReview: what a webhook is asked, and what may be believed of its answer.

import { isObject, type JsonObject } from '../../../apimachinery/json/value.ts';
import type { Status } from '../../../apimachinery/meta/v1.generated.ts';
import { badRequest, StatusError } from '../../../apimachinery/status.ts';
import type { AdmissionRequest } from '../admission.ts';
import { requestJson } from '../review.ts';

/** Versions of AdmissionReview that this server speaks. */
const spoken = ['v1', 'v1beta1'];

export interface Review {
  readonly uid: string;
  readonly apiVersion: string;
  readonly body: unknown;
}

/** In the first version of the webhook's list that is known here. */
export function makeReview(request: AdmissionRequest, versions: readonly string[], uid: string): Review {
  const version = versions.find((one) => spoken.includes(one)) ?? 'v1';
  const apiVersion = `admission.k8s.io/${version}`;
  const { dryRun, options, ...about } = requestJson(request);
  const objects = { object: request.object ?? null, oldObject: request.old ?? null };
  const asked = { uid, ...about, ...objects, dryRun, options };
  return { uid, apiVersion, body: { kind: 'AdmissionReview', apiVersion, request: asked } };
}

export interface Verdict {
  readonly allowed: boolean;
  readonly result: Partial<Status> | undefined;
  /** The text of a JSON patch; empty where there is none. */
  readonly patch: string;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

/** Throws an Error that says what is wrong with the answer. */
export function readVerdict(answer: JsonObject, { uid, apiVersion }: Review, isMutating: boolean): Verdict {
  const { kind, apiVersion: given, response } = answer;
  if (!isObject(response)) throw new Error('webhook response was absent');
  if (apiVersion === 'admission.k8s.io/v1') {
    if (kind !== 'AdmissionReview' || given !== apiVersion) {
      const seen = `/, Kind=${typeof kind === 'string' ? kind : ''}`;
      throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${seen}`);
    }
    if (response.uid !== uid)
      throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
    checkPatch(response, isMutating);
  }
  const { allowed, status, patch, patchType, warnings, auditAnnotations } = response;
  return {
    allowed: allowed === true,
    result: isObject(status) ? (status as Partial<Status>) : undefined,
    patch: typeof patch === 'string' ? Buffer.from(patch, 'base64').toString('utf8') : '',
    // Before v1 the type could be left out.
    patchType: typeof patchType === 'string' ? patchType : 'JSONPatch',
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
    auditAnnotations: isObject(auditAnnotations) ? (auditAnnotations as Record<string, string>) : {},
  };
}

function checkPatch({ patch, patchType }: Record<string, unknown>, isMutating: boolean): void {
  const hasPatch = typeof patch === 'string' && patch !== '';
  const hasType = patchType !== undefined && patchType !== null;
  if (!isMutating) {
    if (hasPatch) throw new Error('validating webhook may not return response.patch');
    if (hasType) throw new Error('validating webhook may not return response.patchType');
    return;
  }
  if (hasPatch && !hasType) throw new Error('webhook returned response.patch but not response.patchType');
  if (!hasPatch && hasType) throw new Error('webhook returned response.patchType but not response.patch');
  if (hasType && patchType === '') throw new Error('webhook returned invalid response.patchType of ""');
}

/** The refusal of a webhook, with what it says of it. */
export function rejection(webhook: string, given: Partial<Status> | undefined): StatusError {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { code = 0, message = '', reason = '', ...rest } = given ?? {};
  const why = message || reason;
  return new StatusError({
    ...rest,
    status: 'Failure',
    message: why === '' ? `${denied} without explanation` : `${denied}: ${why}`,
    ...(reason && { reason }),
    code: code < 400 ? 400 : code,
  });
}

export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
