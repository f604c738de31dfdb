// Objects of a custom resource made those of another version. With strategy None only apiVersion changes; a webhook may
// change all but the identity of an object (upstream pkg/apiserver/conversion).

import { errorMessage } from '../../apimachinery/error-message.ts';
import { isObject, jsonEqual } from '../../apimachinery/json/value.ts';
import type { Later } from '../../apimachinery/later.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { validateObjectMeta } from '../../apimachinery/validation/object-meta.ts';

export type Convert = (objects: readonly KubeObject[], apiVersion: string) => Later<readonly KubeObject[]>;

/** Sends a ConversionReview and returns the parsed answer; rejects with what is to be said after `failed: `. */
export type SendReview = (review: ConversionReview) => Promise<unknown>;

export interface ConversionReview {
  readonly kind: 'ConversionReview';
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly unknown[] };
}

export function convertByName(objects: readonly KubeObject[], apiVersion: string): KubeObject[] {
  return objects.map((object) => ({ ...object, apiVersion }));
}

export interface WebhookOptions {
  readonly send: SendReview;
  readonly uuid: () => string;
  /** `v1` or `v1beta1`: the first of conversionReviewVersions that is known. */
  readonly reviewVersion: string;
}

/** Objects that have the version already are not sent. Rejects with a StatusError that says what is wrong with the answer. */
export function webhookConversion({ send, uuid, reviewVersion }: WebhookOptions): Convert {
  return (objects, apiVersion) => {
    const asked = objects.filter((object) => object.apiVersion !== apiVersion);
    if (asked.length === 0) return objects;
    return convertAsked(asked).then((converted) => {
      let next = 0;
      return objects.map((object) => (object.apiVersion === apiVersion ? object : converted[next++]!));
    });

    async function convertAsked(originals: readonly KubeObject[]): Promise<readonly KubeObject[]> {
      const uid = uuid();
      const review: ConversionReview = {
        kind: 'ConversionReview',
        apiVersion: `apiextensions.k8s.io/${reviewVersion}`,
        request: { uid, desiredAPIVersion: apiVersion, objects: originals },
      };
      const what = `conversion webhook for ${printedKind(originals[0]!)}`;
      let answer: unknown;
      try {
        answer = await send(review);
      } catch (error) {
        throw failed(`${what} failed: ${errorMessage(error)}`);
      }
      return checkedAnswer(answer, { review, originals, what });
    }
  };
}

/** A failure of conversion: upstream answers 500 with the bare text. */
function failed(message: string): StatusError {
  return new StatusError({ code: 500, message });
}

function printedKind({ apiVersion = '', kind = '' }: KubeObject): string {
  return `${apiVersion}, Kind=${kind}`;
}

interface Asked {
  readonly review: ConversionReview;
  readonly originals: readonly KubeObject[];
  /** The start of every complaint. */
  readonly what: string;
}

/** The converted objects of an answer, each checked against its original. Throws a StatusError. */
function checkedAnswer(answer: unknown, { review, originals, what }: Asked): KubeObject[] {
  const objects = objectsOf(answer, { review, what });
  if (objects.length !== originals.length) {
    throw failed(`${what} returned ${objects.length} objects, expected ${originals.length}`);
  }
  const { desiredAPIVersion } = review.request;
  return objects.map((object, i) =>
    checkedObject(object, originals[i]!, { desiredAPIVersion, start: `${what} returned invalid`, index: i }),
  );
}

function objectsOf(answer: unknown, { review, what }: Pick<Asked, 'review' | 'what'>): readonly unknown[] {
  const { kind, apiVersion, response } = (isObject(answer) ? answer : {}) as Record<string, unknown>;
  if (review.apiVersion.endsWith('/v1') && (kind !== review.kind || apiVersion !== review.apiVersion)) {
    const got = parseApiVersion(String(apiVersion ?? ''));
    const text = `expected webhook response of ${review.apiVersion}, Kind=${review.kind}, got ${apiVersionOf(got)}, Kind=${String(kind ?? '')}`;
    throw failed(`${what} failed: ${text}`);
  }
  if (!isObject(response)) throw failed(`${what} failed: no response provided`);
  if (review.apiVersion.endsWith('/v1') && response.uid !== review.request.uid) {
    const got = JSON.stringify(response.uid ?? '');
    throw failed(`${what} failed: expected response.uid=${JSON.stringify(review.request.uid)}, got ${got}`);
  }
  const result = isObject(response.result) ? response.result : {};
  if (result.status !== 'Success') {
    const why = result.message || `response.result.status was '${String(result.status ?? '')}', not 'Success'`;
    throw failed(`${what} failed: ${String(why)}`);
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

interface ObjectCheck {
  readonly desiredAPIVersion: string;
  readonly start: string;
  readonly index: number;
}

function checkedObject(converted: unknown, original: KubeObject, check: ObjectCheck): KubeObject {
  const { desiredAPIVersion, start, index } = check;
  const at = `${start} converted object at index ${index}: `;
  if (!isObject(converted)) throw failed(`${at}Object 'Kind' is missing`);
  const { apiVersion, kind, metadata } = converted;
  if (apiVersion !== desiredAPIVersion) {
    throw failed(`${at}invalid groupVersion (expected ${desiredAPIVersion}, received ${String(apiVersion ?? '')})`);
  }
  if (kind !== original.kind) {
    throw failed(`${at}invalid kind (expected ${original.kind}, received ${String(kind ?? '')})`);
  }
  if (metadata === undefined) {
    throw failed(`${start} metadata in object at index ${index}: missing metadata in converted object`);
  }
  if (!isObject(metadata)) {
    throw failed(
      `${start} metadata in object at index ${index}: invalid metadata of type ${typeof metadata} in converted object`,
    );
  }
  for (const [field, name] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [expected, got] = [original.metadata[field] ?? '', metadata[field] ?? ''];
    if (expected !== got) throw failed(`${at}must have the same ${name}: ${expected} != ${String(got)}`);
  }
  const restored = {
    ...original.metadata,
    ...changedTexts(metadata, original, `${start} metadata in object at index ${index}: `),
  };
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...content } = converted;
  return { kind: original.kind!, apiVersion: desiredAPIVersion, metadata: restored, ...content } as KubeObject;
}

/** A webhook may change labels and annotations, and no other metadata. */
function changedTexts(
  metadata: { readonly [key: string]: unknown },
  original: KubeObject,
  start: string,
): Partial<KubeObject['metadata']> {
  const changed: { labels?: Record<string, string>; annotations?: Record<string, string> } = {};
  for (const field of ['labels', 'annotations'] as const) {
    const given = metadata[field];
    if (given === undefined || given === null) {
      Object.assign(changed, { [field]: undefined });
      continue;
    }
    if (!isObject(given)) throw failed(`${start}invalid metadata.${field} of type ${typeof given} in converted object`);
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string') {
        throw failed(`${start}metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`);
      }
    }
    const texts = given as Record<string, string>;
    if (!jsonEqual(texts, original.metadata[field] ?? {})) {
      const errors = validateObjectMeta({ name: 'x', [field]: texts }, { namespaced: false });
      if (errors.length > 0) throw failed(start + errors.map(fieldErrorMessage).join(', '));
    }
    changed[field] = texts;
  }
  return changed;
}
