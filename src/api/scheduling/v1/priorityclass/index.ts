import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { immutable, oneOf } from '../../../validation/values.ts';
import type { PriorityClass } from '../types.generated.ts';
import { highestUserPriority, systemPrefix, systemPriorityClasses } from './system.ts';

const { forbidden } = fieldError;

function validate({ metadata, value = 0, globalDefault, preemptionPolicy }: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const { name = '' } = metadata;
  if (name.startsWith(systemPrefix)) {
    const why = whyNotSystem(name, value, globalDefault ?? false);
    const reserved = `priority class names with '${systemPrefix}' prefix are reserved for system use only`;
    if (why !== undefined) errors.push(forbidden('metadata.name', `${reserved}. error: ${why}`));
  } else if (value > highestUserPriority) {
    const why = `maximum allowed value of a user defined priority is ${highestUserPriority}`;
    errors.push(forbidden('value', why));
  }
  if (preemptionPolicy === undefined) return errors;
  return [...errors, ...oneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])];
}

function whyNotSystem(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemPriorityClasses.find(({ metadata }) => metadata.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} must be false` : undefined;
}

function validateUpdate(object: PriorityClass, old: PriorityClass): FieldError[] {
  return [
    ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
  ];
}

export const priorityClass: Kind<PriorityClass> = {
  strategy: {
    default(object) {
      object.preemptionPolicy ??= 'PreemptLowerPriority';
    },
    // It is never counted on: what a class does cannot be changed.
    prepareForCreate({ metadata }) {
      metadata.generation = 1;
    },
    validate,
    validateUpdate,
  },
  undeletable: (name) =>
    systemPriorityClasses.some(({ metadata }) => metadata.name === name)
      ? 'this is a system priority class and cannot be deleted'
      : undefined,
  columns: [
    nameColumn,
    column('Value', 'The priority.', { type: 'integer' }),
    column('Global-Default', 'Whether Pods without a class have it.', { type: 'boolean' }),
    ageColumn,
    column('PreemptionPolicy', 'Whether it may drive others out.'),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.value,
    object.globalDefault === true,
    ageCell(object, now),
    object.preemptionPolicy ?? '',
  ],
};
