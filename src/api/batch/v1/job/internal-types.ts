// As core/v1/pod/internal-types.ts, of pkg/apis/batch/types.go.
import { table } from '../../../../apimachinery/table.ts';

export const internalTypes = table<string>({
  PodFailurePolicy: 'Rules:[]PodFailurePolicyRule',
  PodFailurePolicyRule: 'Action:string OnExitCodes:*OnExitCodes OnPodConditions:[]OnPodCondition',
  OnExitCodes: 'ContainerName:* Operator:string Values:[]',
  OnPodCondition: 'Type:string Status:string',
  SuccessPolicy: 'Rules:[]SuccessPolicyRule',
  SuccessPolicyRule: 'SucceededIndexes:* SucceededCount:*',
});
