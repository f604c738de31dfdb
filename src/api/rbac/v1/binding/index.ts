import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { pathSegment } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { validateOptionalName } from '../../../validation/references.ts';
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../types.generated.ts';

const { required, invalid, notSupported } = fieldError;
const rbacGroup = 'rbac.authorization.k8s.io';

function defaultBinding(binding: RoleBinding): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
    else if (subject.apiGroup === '') delete subject.apiGroup;
  }
}

function validateRoleRef(ref: RoleRef | undefined, kinds: readonly string[]): FieldError[] {
  const { apiGroup = '', kind = '', name = '' } = ref ?? {};
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(notSupported('roleRef.kind', kind, kinds));
  if (name === '') return [...errors, required('roleRef.name')];
  return [...errors, ...nameErrors(pathSegment, 'roleRef.name', name)];
}

/** `namespaced`: the binding has a namespace; a service account of any other must still be named with its own. */
function validateSubject(
  subject: Subject,
  path: string,
  { namespaced }: { readonly namespaced: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  const { kind, apiGroup = '' } = subject;
  if (!subject.name) errors.push(required(`${path}.name`));
  if (kind === 'ServiceAccount') {
    errors.push(...validateOptionalName(`${path}.name`, subject.name));
    if (apiGroup !== '') errors.push(notSupported(`${path}.apiGroup`, apiGroup, ['']));
    if (!namespaced && !subject.namespace) errors.push(required(`${path}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
  } else {
    errors.push(notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group']));
  }
  return errors;
}

function bindingOf(kinds: readonly string[]): Kind<RoleBinding> {
  const validate = ({ roleRef, subjects = [] }: RoleBinding): FieldError[] => [
    ...validateRoleRef(roleRef, kinds),
    ...subjects.flatMap((subject, i) => validateSubject(subject, `subjects[${i}]`, { namespaced: kinds.length > 1 })),
  ];
  const names = (binding: RoleBinding, kind: string): string =>
    (binding.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
      .join(', ');
  const wide = { priority: 1 } as const;
  return {
    nameRule: pathSegment,
    allowCreateOnUpdate: true,
    strategy: {
      default: defaultBinding,
      validate,
      // To bind another role is to make another binding.
      validateUpdate(object, old) {
        const { apiGroup: APIGroup = '', kind: Kind = '', name: Name = '' } = object.roleRef ?? {};
        const changed = !deepEqual(object.roleRef, old.roleRef);
        const errors = validate(object);
        return changed ? [...errors, invalid('roleRef', { APIGroup, Kind, Name }, 'cannot change roleRef')] : errors;
      },
    },
    columns: [
      nameColumn,
      column('Role', 'What is allowed.'),
      ageColumn,
      column('Users', 'To which users.', wide),
      column('Groups', 'To which groups.', wide),
      column('ServiceAccounts', 'To which service accounts.', wide),
    ],
    cells: (object, now) => [
      object.metadata.name,
      `${object.roleRef.kind}/${object.roleRef.name}`,
      ageCell(object, now),
      names(object, 'User'),
      names(object, 'Group'),
      names(object, 'ServiceAccount'),
    ],
  };
}

export const roleBinding: Kind<RoleBinding> = bindingOf(['Role', 'ClusterRole']);
export const clusterRoleBinding: Kind<ClusterRoleBinding> = bindingOf(['ClusterRole']);
