// What the status of a definition should be (pure): its names, whether it is established, whether its schemas are structural.
import {
  type Condition,
  findCondition,
  withCondition,
} from '../../api/apiextensions/v1/custom-resource-definition/conditions.ts';
import { decideNames } from '../../api/apiextensions/v1/custom-resource-definition/names.ts';
import { isSchema, validateStructural } from '../../api/apiextensions/v1/custom-resource-definition/structural.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionStatus,
} from '../../api/apiextensions/v1/types.generated.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';

/** `others`: the other definitions of the group. `now` as in lastTransitionTime. */
export function nextStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: string,
): CustomResourceDefinitionStatus {
  const { acceptedNames, namesAccepted, established } = decideNames(crd, others);
  const wanted = [namesAccepted, ...(established ? [established] : []), ...nonStructural(crd)];
  let conditions = crd.status?.conditions ?? [];
  for (const condition of wanted) conditions = withCondition(conditions, condition, now);
  if (nonStructural(crd).length === 0) conditions = conditions.filter(({ type }) => type !== 'NonStructuralSchema');
  return { ...crd.status, acceptedNames, conditions: [...conditions] };
}

function nonStructural(crd: CustomResourceDefinition): Condition[] {
  // Definitions are refused when they are not structural: only those of other servers' making may be.
  if (crd.status?.conditions?.length && !findCondition(crd, 'NonStructuralSchema')) return [];
  const errors = crd.spec.versions.flatMap(({ schema }, i) => {
    const root = schema?.openAPIV3Schema;
    return isSchema(root) ? validateStructural(root, `spec.versions[${i}].schema.openAPIV3Schema`) : [];
  });
  if (errors.length === 0) return [];
  const message = errors.map(fieldErrorMessage).join(', ');
  return [{ type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message }];
}

export const deletionPending: Condition = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionPending',
  message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
};

export const deletionInProgress: Condition = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'CustomResource deletion is in progress',
};

/** Tried again later: most often a conversion webhook that is away. */
export function deletionFailed(why: string): Condition {
  return {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionFailed',
    message: `could not issue all deletes: ${why}`,
  };
}
