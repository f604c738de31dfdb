// Authorizers one after the other, as `--authorization-mode` or `--authorization-config` puts them: the first that allows or
// denies decides (apiserver/pkg/authorization/union). Where the usual two are in force (Node, RBAC), authorizer.ts alone decides.
import { aggregate } from '../../apimachinery/aggregate.ts';
import type { Attributes, Decision } from '../access-control.ts';
import type { User } from '../request.ts';
import { everything, type RulesAnswer, type RulesAuthorizer } from './authorizer.ts';

/** What one of several says. */
export interface LinkAnswer {
  /** `none`: it has no opinion, and the next is asked. */
  readonly decision: 'allow' | 'deny' | 'none';
  readonly reason?: string | undefined;
  /** What kept it from deciding, or from deciding well. */
  readonly error?: string;
}

export interface AuthorizerLink {
  /** As metrics name it. */
  readonly type: string;
  readonly name: string;
  authorize(attributes: Attributes): LinkAnswer | Promise<LinkAnswer>;
  rulesFor(user: User, namespace: string): RulesAnswer;
}

/** Members of system:masters may do everything, whatever the links say. */
export class UnionAuthorizer implements RulesAuthorizer {
  #links: readonly AuthorizerLink[];

  constructor(links: readonly AuthorizerLink[]) {
    this.#links = links;
  }

  /** From the next request on. */
  replace(links: readonly AuthorizerLink[]): void {
    this.#links = links;
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    if (attributes.user.groups.includes('system:masters')) return { allowed: true };
    return authorizeFrom(this.#links, attributes, { reasons: [], errors: [] });
  }

  rulesFor(user: User, namespace: string): RulesAnswer {
    if (user.groups.includes('system:masters')) return { rules: everything, incomplete: false };
    const answers = this.#links.map((link) => link.rulesFor(user, namespace));
    const errors = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
    return {
      rules: answers.flatMap(({ rules }) => rules),
      incomplete: answers.some(({ incomplete }) => incomplete),
      ...textOf('error', aggregate(errors)),
    };
  }
}

/** What those said who did not decide. */
interface Heard {
  readonly reasons: string[];
  readonly errors: string[];
}

/** Waits only where a link does. */
function authorizeFrom(
  [link, ...rest]: readonly AuthorizerLink[],
  attributes: Attributes,
  heard: Heard,
): Decision | Promise<Decision> {
  if (!link) {
    const { reasons, errors } = heard;
    return { allowed: false, ...textOf('reason', reasons.join('\n')), ...textOf('error', aggregate(errors)) };
  }
  const go = (answer: LinkAnswer) => decided(link, answer, heard) ?? authorizeFrom(rest, attributes, heard);
  const answer = link.authorize(attributes);
  return answer instanceof Promise ? answer.then(go) : go(answer);
}

function decided({ type, name }: AuthorizerLink, answer: LinkAnswer, { reasons, errors }: Heard): Decision | undefined {
  const { decision, reason = '', error } = answer;
  if (decision === 'none') {
    if (reason !== '') reasons.push(reason);
    if (error !== undefined) errors.push(error);
    return undefined;
  }
  const isAllowed = decision === 'allow';
  return {
    allowed: isAllowed,
    ...(!isAllowed && { denied: true }),
    ...textOf('reason', reason),
    ...(error !== undefined && { error }),
    by: { type, name },
  };
}

function textOf<K extends string>(key: K, text: string): Partial<Record<K, string>> {
  return text === '' ? {} : ({ [key]: text } as Record<K, string>);
}

/** `AlwaysAllow`. */
export const alwaysAllow: AuthorizerLink = {
  type: 'AlwaysAllow',
  name: 'alwaysallow',
  authorize: () => ({ decision: 'allow' }),
  rulesFor: () => ({ rules: everything, incomplete: false }),
};

/** `AlwaysDeny`; in spite of its name it has no opinion, so that those after it are asked (authorizerfactory). */
export const alwaysDeny: AuthorizerLink = {
  type: 'AlwaysDeny',
  name: 'alwaysdeny',
  authorize: () => ({ decision: 'none', reason: 'Everything is forbidden.' }),
  rulesFor: () => ({ rules: [], incomplete: false }),
};
