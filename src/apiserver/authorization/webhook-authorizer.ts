// An authorizer that asks another server, by a SubjectAccessReview (apiserver/plugin/pkg/authorizer/webhook).
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  SubjectAccessReviewSpec,
} from '../../api/authorization/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { parseFieldSelector } from '../../apimachinery/selectors/field-selector.ts';
import { parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { table } from '../../apimachinery/table.ts';
import type { Clock } from '../../system/clock.ts';
import type { Attributes } from '../access-control.ts';
import { bool, type Decoded, decodeConfiguration, struct, text } from '../configuration-decode.ts';
import { ExpiringCache } from '../review-webhook/expiring-cache.ts';
import type { Review } from '../review-webhook/review-webhook.ts';
import type { RulesAnswer } from './authorizer.ts';
import type { WebhookConfiguration } from './configuration.ts';
import type { Matcher } from './match-conditions.ts';
import type { LinkAnswer } from './union-authorizer.ts';

export interface WebhookAuthorizerOptions {
  readonly configuration: WebhookConfiguration;
  readonly webhook: { ask(review: Review): Promise<unknown> };
  /** Undefined: every request is asked about. */
  readonly matcher: Matcher | undefined;
  readonly clock: Clock;
}

const reviewStatus = struct('SubjectAccessReviewStatus', { allowed: bool, denied: bool, reason: text });
const reviewAnswer = struct('SubjectAccessReview', { status: reviewStatus });
type ReviewStatus = Decoded<typeof reviewStatus>;

const cacheSize = 8192;
/** Characters of what a client chooses, beyond which an answer is not kept. */
const longestKept = 10_000;

export class WebhookAuthorizer {
  readonly #options: WebhookAuthorizerOptions;
  readonly #answers: ExpiringCache<LinkAnswer>;
  readonly #onError: 'deny' | 'none';

  constructor(options: WebhookAuthorizerOptions) {
    this.#options = options;
    this.#answers = new ExpiringCache(cacheSize, options.clock);
    this.#onError = options.configuration.failurePolicy === 'Deny' ? 'deny' : 'none';
  }

  authorize(attributes: Attributes): LinkAnswer | Promise<LinkAnswer> {
    const spec = reviewSpec(attributes);
    const { matches, error } = this.#options.matcher?.(spec) ?? { matches: true };
    if (error !== undefined) return { decision: this.#onError, error };
    if (!matches) return { decision: 'none' };
    const key = JSON.stringify(spec);
    return this.#answers.get(key) ?? this.#ask(spec, key);
  }

  /** Nobody can say in advance what the other server will allow. */
  rulesFor(): RulesAnswer {
    return { rules: [], incomplete: true, error: 'webhook authorizer does not support user rule resolution' };
  }

  async #ask(spec: SubjectAccessReviewSpec, key: string): Promise<LinkAnswer> {
    const { webhook, configuration } = this.#options;
    const apiVersion = `authorization.k8s.io/${configuration.subjectAccessReviewVersion}`;
    let status: ReviewStatus;
    try {
      const review = {
        apiVersion,
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: versioned(spec, apiVersion),
        status: { allowed: false },
      };
      status = decodeConfiguration(await webhook.ask(review), reviewAnswer, { isStrict: false }).status ?? {};
    } catch (error) {
      return { decision: this.#onError, error: errorMessage(error) };
    }
    const answer = answerOf(status);
    const isAllowed = status.allowed === true;
    const isKept = isAllowed ? configuration.cacheAuthorizedRequests : configuration.cacheUnauthorizedRequests;
    const ttl = isAllowed ? configuration.authorizedTTL : configuration.unauthorizedTTL;
    if (isKept && controlledLength(spec) < longestKept) this.#answers.set(key, answer, ttl);
    return answer;
  }
}

function answerOf({ allowed, denied, reason = '' }: ReviewStatus): LinkAnswer {
  if (denied && allowed) {
    return { decision: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' };
  }
  return { decision: denied ? 'deny' : allowed ? 'allow' : 'none', reason };
}

/** `groups` is called `group` in v1beta1. */
function versioned({ groups, ...spec }: SubjectAccessReviewSpec, apiVersion: string) {
  if (!groups?.length) return spec;
  return apiVersion.endsWith('v1beta1') ? { ...spec, group: groups } : { ...spec, groups };
}

/** What is asked, in the order of the API's fields; what is empty is left out. */
export function reviewSpec({ user, verb, info, ...selectors }: Attributes): SubjectAccessReviewSpec {
  const { namespace, group, version, resource, subresource, name, path } = info;
  const about = info.isResource
    ? {
        resourceAttributes: {
          ...filled({ namespace, verb, group, version, resource, subresource, name }),
          ...fieldSelectorOf(selectors.fieldSelector),
          ...labelSelectorOf(selectors.labelSelector),
        },
      }
    : { nonResourceAttributes: filled({ path, verb }) };
  const extra = user.extra && Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
  return {
    ...about,
    ...(user.name && { user: user.name }),
    ...(user.groups.length > 0 && { groups: [...user.groups] }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
    ...(user.uid && { uid: user.uid }),
  };
}

function filled(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** A selector that cannot be read narrows nothing, and so is left out. */
function fieldSelectorOf(text: string | undefined): { readonly fieldSelector?: FieldSelectorAttributes } {
  const parsed = readable(text, parseFieldSelector);
  if (!parsed?.length) return {};
  const requirements = parsed.map(({ field, operator, value }) => ({
    key: field,
    operator: operator === '=' ? 'In' : 'NotIn',
    values: [value],
  }));
  return { fieldSelector: { requirements } };
}

const operators = table<string>({
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
});

function labelSelectorOf(text: string | undefined): { readonly labelSelector?: LabelSelectorAttributes } {
  const parsed = readable(text, parseLabelSelector) ?? [];
  const requirements = parsed.flatMap(({ key, operator, values }) => {
    const known = operators[operator];
    return known === undefined ? [] : [{ key, operator: known, ...(values.length > 0 && { values: [...values] }) }];
  });
  return requirements.length > 0 ? { labelSelector: { requirements } } : {};
}

function readable<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  if (!text) return undefined;
  try {
    return parse(text);
  } catch {
    // The request itself is refused for it later.
    return undefined;
  }
}

function controlledLength({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec): number {
  const { fieldSelector: _, labelSelector: __, ...texts } = resourceAttributes ?? {};
  const values = [...Object.values(texts), ...Object.values(nonResourceAttributes ?? {})];
  return values.reduce((sum, text) => sum + String(text).length, 0);
}
