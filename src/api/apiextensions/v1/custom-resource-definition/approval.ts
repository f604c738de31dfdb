// Groups of Kubernetes itself (`*.k8s.io`, `*.kubernetes.io`) have to say where they were approved.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { parseGoUrl } from '../../../../apimachinery/validation/go-url.ts';
import type { CustomResourceDefinition } from '../types.generated.ts';
import type { Condition } from './conditions.ts';

const approval = 'api-approved.kubernetes.io';
const seeAlso = 'see https://github.com/kubernetes/enhancements/pull/1111';

type State = 'missing' | 'approved' | 'bypassed' | 'invalid';

function isProtected({ spec }: CustomResourceDefinition): boolean {
  return /(^|\.)(k8s\.io|kubernetes\.io)$/.test(spec.group ?? '');
}

/** What was so before may stay. */
export function validateApproval(definition: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const value = definition.metadata.annotations?.[approval];
  const state = stateOf(value);
  if (!isProtected(definition) || (old && stateOf(old.metadata.annotations?.[approval]) === state)) return [];
  const path = `metadata.annotations[${approval}]`;
  if (state === 'missing') return [fieldError.required(path, reasonOf(state, value))];
  return state === 'invalid' ? [fieldError.invalid(path, value, reasonOf(state, value))] : [];
}

const reasons: Readonly<Record<State, string>> = {
  missing: 'MissingAnnotation',
  approved: 'ApprovedAnnotation',
  bypassed: 'UnapprovedAnnotation',
  invalid: 'InvalidAnnotation',
};

/** Undefined for groups that are not Kubernetes' own. */
export function approvalCondition(definition: CustomResourceDefinition): Condition | undefined {
  if (!isProtected(definition)) return undefined;
  const value = definition.metadata.annotations?.[approval];
  const state = stateOf(value);
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'approved' ? 'True' : 'False',
    reason: reasons[state],
    message: reasonOf(state, value),
  };
}

function reasonOf(state: State, value: string | undefined): string {
  switch (state) {
    case 'missing':
      return `protected groups must have approval annotation "${approval}", ${seeAlso}`;
    case 'bypassed':
      return `not approved: ${JSON.stringify(value)}`;
    case 'approved':
      return `approved in ${value}`;
    case 'invalid':
      return `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${seeAlso}`;
  }
}

function stateOf(value: string | undefined): State {
  if (value === undefined || value === '') return 'missing';
  if (value.startsWith('unapproved')) return 'bypassed';
  const url = parseGoUrl(value, { isRequest: true });
  return typeof url !== 'string' && url.host !== '' && url.scheme !== '' ? 'approved' : 'invalid';
}
