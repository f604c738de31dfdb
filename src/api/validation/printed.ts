// Values as Go prints them in messages, where the order is not the client's.
import type { LabelSelector } from '../../apimachinery/meta/v1.generated.ts';

/** Maps stand in the order of their keys; nothing is null. */
export function printedMap(map: unknown): Record<string, unknown> | null {
  if (typeof map !== 'object' || map === null) return null;
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As its type has it, empty parts left out (omitempty). */
export function printedSelector(selector: LabelSelector | undefined): unknown {
  if (!selector) return null;
  const { matchLabels = {}, matchExpressions } = selector;
  const requirements = matchExpressions?.map(({ key, operator, values }) => ({
    key,
    operator,
    ...(values && values.length > 0 && { values }),
  }));
  return {
    ...(Object.keys(matchLabels ?? {}).length > 0 && { matchLabels: printedMap(matchLabels) }),
    ...(requirements && requirements.length > 0 && { matchExpressions: requirements }),
  };
}
