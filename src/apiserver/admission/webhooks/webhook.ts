// The webhooks that are configured, in order of configuration and place, and whether a request is for one of them.
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../api/admissionregistration/v1/types.generated.ts';
import { errorMessage } from '../../../apimachinery/error-message.ts';
import type { JsonObject } from '../../../apimachinery/json/value.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { forbidden, internalError, StatusError } from '../../../apimachinery/status.ts';
import { qualifiedName } from '../../../apimachinery/validation/names.ts';
import { naming } from '../../naming.ts';
import type { AdmissionRequest, AdmissionView, WebhookOutcome } from '../admission.ts';
import { requestFor } from '../equivalent.ts';
import { isExempt, matchesNamespace, matchesObject } from '../matching.ts';
import { whenDecided } from '../pending-decisions.ts';
import { parseAnswer } from './answer.ts';
import { callWebhook, WebhookCallError } from './call.ts';
import { operationsOf } from './patch.ts';
import { dryRunUnsupported, makeReview, readVerdict, rejection, type Verdict } from './review.ts';

type Configuration = Readonly<KubeObject & (MutatingWebhookConfiguration | ValidatingWebhookConfiguration)>;

export interface ConfiguredWebhook {
  readonly configuration: Configuration;
  readonly hook: MutatingWebhook & ValidatingWebhook;
  /** Its place among all webhooks of its kind. */
  readonly index: number;
}

const group = 'admissionregistration.k8s.io';

/** All webhooks of a kind; none for requests that webhooks never see. Quick where none is configured. */
export function configuredWebhooks(
  resource: 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations',
  request: AdmissionRequest,
  view: AdmissionView,
): readonly ConfiguredWebhook[] {
  if (view.count(resource, group) === 0 || isExempt(request)) return [];
  const hooks = view.all<Configuration>(resource, group).flatMap((configuration) => {
    const { webhooks = [] } = configuration;
    return naming(configuration, () => webhooks.map((hook) => ({ configuration, hook })));
  });
  return hooks.map((one, index) => ({ ...one, index }));
}

/**
 * What the webhook is to be asked about: the request, in the version that its rules name; undefined: nothing. Throws 403
 * where its conditions cannot be evaluated and it is to fail closed.
 */
export function questionFor(
  { configuration, hook }: ConfiguredWebhook,
  request: AdmissionRequest,
  view: AdmissionView,
): Promise<AdmissionRequest | undefined> {
  return naming(configuration, () => question(hook, request, view));
}

async function question(
  hook: ConfiguredWebhook['hook'],
  request: AdmissionRequest,
  view: AdmissionView,
): Promise<AdmissionRequest | undefined> {
  const seen = await requestFor({ rules: hook.rules ?? [], matchPolicy: hook.matchPolicy }, request, view);
  if (!seen || !matchesNamespace(hook.namespaceSelector, seen, view)) return undefined;
  if (!matchesObject(hook.objectSelector, seen)) return undefined;
  if (!hook.matchConditions?.length) return seen;
  const { webhookConditionsHold } = await import('./conditions.ts');
  const conditions = hook.matchConditions;
  const { matches, error } = await whenDecided(() => webhookConditionsHold(conditions, seen, view));
  if (error === undefined) return matches ? seen : undefined;
  if (hook.failurePolicy === 'Ignore') return undefined;
  throw forbidden(request.definition, request.name, error);
}

export interface AskOptions {
  readonly view: AdmissionView;
  readonly isMutating: boolean;
  /** `round_0_index_1`: which call it is, in keys of audit annotations. */
  readonly place: string;
}

export interface Allowed {
  /** Of the JSON patch; none of a validating webhook. */
  readonly operations: readonly unknown[];
}

/** What the webhook makes of the request; undefined where its answer could not be had and that is allowed. Throws the refusal. */
export async function ask(
  webhook: ConfiguredWebhook,
  request: AdmissionRequest,
  { view, isMutating, place }: AskOptions,
): Promise<Allowed | undefined> {
  const { hook } = webhook;
  if (request.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') {
    throw dryRunUnsupported(hook.name);
  }
  let verdict: Verdict;
  const started = view.clock.monotonic();
  const tell = (outcome: Pick<WebhookOutcome, 'result' | 'code'>) =>
    view.webhookAsked?.({
      name: hook.name,
      type: isMutating ? 'admit' : 'validating',
      operation: request.operation,
      duration: view.clock.monotonic() - started,
      ...outcome,
    });
  const failed = (error: unknown): undefined => {
    if (!(error instanceof WebhookCallError)) throw error;
    tell({ result: hook.failurePolicy === 'Ignore' ? 'failed-open' : 'error' });
    if (hook.failurePolicy !== 'Ignore') {
      throw internalError(`failed calling webhook ${JSON.stringify(hook.name)}: ${error.message}`);
    }
    const phase = isMutating ? 'mutation' : 'validating';
    request.auditAnnotations.set(`failed-open.${phase}.webhook.admission.k8s.io/${place}`, hook.name);
    return undefined;
  };
  try {
    verdict = await naming(webhook.configuration, () => verdictOf(hook, request, { view, isMutating }));
  } catch (error) {
    return failed(error);
  }
  for (const [name, value] of Object.entries(verdict.auditAnnotations)) {
    const key = `${hook.name}/${name}`;
    // What is no key of an annotation is left out.
    if (qualifiedName(key).length === 0) request.auditAnnotations.set(key, value);
  }
  for (const text of verdict.warnings) request.warnings.add(text);
  if (!verdict.allowed) {
    const refusal = rejection(hook.name, verdict.result);
    tell({ result: 'rejected', code: refusal.status.code });
    throw refusal;
  }
  try {
    const operations = isMutating ? operationsOf(verdict, hook.name, request) : [];
    tell({ result: 'allowed' });
    return { operations };
  } catch (error) {
    return failed(error);
  }
}

async function verdictOf(
  { clientConfig, timeoutSeconds = 10, admissionReviewVersions }: MutatingWebhook,
  request: AdmissionRequest,
  { view, isMutating }: { readonly view: AdmissionView; readonly isMutating: boolean },
): Promise<Verdict> {
  const review = makeReview(request, admissionReviewVersions, view.random.uuid());
  let answer: JsonObject;
  try {
    answer = parseAnswer(
      await callWebhook({ clientConfig, timeoutSeconds, body: review.body }, view),
      review.apiVersion,
    );
  } catch (error) {
    const why = errorMessage(error);
    throw new WebhookCallError(`failed to call webhook: ${why}`, { cause: error });
  }
  try {
    return readVerdict(answer, review, isMutating);
  } catch (error) {
    const why = errorMessage(error);
    throw new WebhookCallError(`received invalid webhook response: ${why}`, { cause: error });
  }
}

/** A Status for whatever went wrong. */
export function asStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return internalError(errorMessage(error));
}
