// Conditions of a definition: NamesAccepted, Established, Terminating, NonStructuralSchema, KubernetesAPIApprovalPolicyConformant.
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../types.generated.ts';

export type Condition = Pick<CustomResourceDefinitionCondition, 'type' | 'status' | 'reason' | 'message'>;

export function findCondition(
  { status }: CustomResourceDefinition,
  type: string,
): CustomResourceDefinitionCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(definition: CustomResourceDefinition, type: string): boolean {
  return findCondition(definition, type)?.status === 'True';
}

/** The conditions with one set; its time changes only with its status. `now` as in lastTransitionTime. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  condition: Condition,
  now: string,
): CustomResourceDefinitionCondition[] {
  const present = conditions.find(({ type }) => type === condition.type);
  if (!present) return [...conditions, { ...condition, lastTransitionTime: now }];
  const lastTransitionTime = present.status === condition.status ? present.lastTransitionTime : now;
  const changed = { ...present, ...condition, ...(lastTransitionTime && { lastTransitionTime }) };
  return conditions.map((one) => (one === present ? changed : one));
}
