// Expressions are evaluated at once, but an authorizer that asks a webhook is not: what waits for it is evaluated again once the
// answer is there.
import type { Attributes, Authorizer, Decision } from '../access-control.ts';
import type { AdmissionRequest } from './admission.ts';

/** Thrown out of an evaluation that cannot go on. */
class PendingDecision extends Error {
  override readonly name = 'PendingDecision';
  readonly decided: Promise<void>;

  constructor(decided: Promise<void>) {
    super('the authorizer does not answer at once');
    this.decided = decided;
  }
}

const known = new WeakMap<AdmissionRequest, Map<string, Decision>>();

/** The authorizer's answer; to be asked for within {@link whenDecided}. `question` tells it from others about the same request. */
export function decisionOf(
  request: AdmissionRequest,
  question: string,
  { authorizer, attributes }: { readonly authorizer: Authorizer; readonly attributes: Attributes },
): Decision {
  const decisions = known.get(request);
  const before = decisions?.get(question);
  if (before) return before;
  const deciding = authorizer.authorize(attributes);
  if (!(deciding instanceof Promise)) return deciding;
  const keep = (decision: Decision) => {
    known.set(request, (known.get(request) ?? new Map<string, Decision>()).set(question, decision));
  };
  throw new PendingDecision(deciding.then(keep));
}

/** What `evaluate` gives, called again after each decision that it had to wait for: it must change nothing. */
export async function whenDecided<T>(evaluate: () => T): Promise<T> {
  for (;;) {
    try {
      return evaluate();
    } catch (error) {
      if (!(error instanceof PendingDecision)) throw error;
      await error.decided;
    }
  }
}
