// What the status of a definition should be (pure): its names, whether it is established, whether its schemas are structural.
// One step at a time, each a write of its own, as upstream's controllers take them.
import { approvalCondition } from '../../api/apiextensions/v1/custom-resource-definition/approval.ts';
import {
  type Condition,
  findCondition,
  isConditionTrue,
  withCondition,
} from '../../api/apiextensions/v1/custom-resource-definition/conditions.ts';
import { isCaBundle } from '../../api/apiextensions/v1/custom-resource-definition/conversion.ts';
import { decideNames } from '../../api/apiextensions/v1/custom-resource-definition/names.ts';
import { isSchema, validateStructural } from '../../api/apiextensions/v1/custom-resource-definition/structural.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionStatus,
} from '../../api/apiextensions/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';

type Step = (
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
) => { readonly conditions: readonly Condition[]; readonly status?: CustomResourceDefinitionStatus } | undefined;

/** `others`: the other definitions of the group. `now` as in lastTransitionTime. Undefined: the status is as it should be. */
export function nextStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: string,
): CustomResourceDefinitionStatus | undefined {
  for (const step of [tellApproval, takeNames, tellStructure, establish]) {
    const decided = step(crd, others);
    if (!decided) continue;
    let conditions = decided.status?.conditions ?? crd.status?.conditions ?? [];
    for (const condition of decided.conditions) conditions = withCondition(conditions, condition, now);
    const status = { ...crd.status, ...decided.status, conditions: [...conditions] };
    if (!jsonEqual(status, crd.status ?? {})) return status;
  }
  return undefined;
}

const takeNames: Step = (crd, others) => {
  const decision = decideNames(crd, others);
  if (!decision) return undefined;
  const { acceptedNames, namesAccepted, established } = decision;
  return { conditions: [namesAccepted, ...(established ? [established] : [])], status: { acceptedNames } };
};

const tellApproval: Step = (crd) => {
  const condition = approvalCondition(crd);
  return condition && { conditions: [condition] };
};

const tellStructure: Step = (crd) => {
  const condition = nonStructural(crd);
  if (condition) return { conditions: [condition] };
  if (!findCondition(crd, 'NonStructuralSchema')) return undefined;
  const conditions = crd.status?.conditions?.filter(({ type }) => type !== 'NonStructuralSchema') ?? [];
  return { conditions: [], status: { conditions } };
};

/** What has its names is established, unless its webhook could not be trusted. */
const establish: Step = (crd) => {
  if (!isConditionTrue(crd, 'NamesAccepted') || isConditionTrue(crd, 'Established')) return undefined;
  const caBundle = crd.spec.conversion?.webhook?.clientConfig?.caBundle ?? '';
  const condition =
    caBundle === '' || isCaBundle(caBundle)
      ? { status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' };
  return { conditions: [{ type: 'Established', ...condition }] };
};

function nonStructural(crd: CustomResourceDefinition): Condition | undefined {
  // Definitions are refused when they are not structural: only those of other servers' making may be.
  if (crd.status?.conditions?.length && !findCondition(crd, 'NonStructuralSchema')) return undefined;
  const errors = crd.spec.versions.flatMap(({ schema }, i) => {
    const root = schema?.openAPIV3Schema;
    return isSchema(root) ? validateStructural(root, `spec.versions[${i}].schema.openAPIV3Schema`) : [];
  });
  if (errors.length === 0) return undefined;
  const message = aggregate(errors.map(fieldErrorMessage));
  return { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message };
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

export const deletionCompleted: Condition = {
  type: 'Terminating',
  status: 'False',
  reason: 'InstanceDeletionCompleted',
  message: 'removed all instances',
};

export const neverEstablished: Condition = {
  type: 'Terminating',
  status: 'False',
  reason: 'NeverEstablished',
  message: 'resource was never established',
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
