import { jsonEqual } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { mandatoryPriorityLevels } from './mandatory.ts';
import { validateStatusConditions } from './status-conditions.ts';
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from './types.generated.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const maxQueues = 10 * 1000 * 1000;

/** Of older versions of the API, which keep there what they cannot say otherwise. */
const preservesZero = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';

function validate({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  if (Object.hasOwn(metadata.annotations ?? {}, preservesZero)) {
    errors.push(forbidden('metadata.annotations', `annotation '${preservesZero}' is forbidden`));
  }
  return [...errors, ...validateSpec(metadata.name, spec), ...validateMandatory(metadata.name, spec)];
}

function validateMandatory(name: string, spec: PriorityLevelConfiguration['spec']): FieldError[] {
  const fixed = mandatoryPriorityLevels.get(name);
  if (!fixed) return [];
  if (fixed.type !== 'Exempt') {
    return jsonEqual(spec, fixed) ? [] : [invalid('spec', spec, `spec of '${name}' must equal the fixed value`)];
  }
  const { exempt: _, ...rest } = spec ?? { type: '' };
  if (jsonEqual(rest, { type: fixed.type })) return [];
  return [invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`)];
}

function validateSpec(name: string, spec: PriorityLevelConfiguration['spec']): FieldError[] {
  const { type = '', limited, exempt } = spec ?? {};
  const errors: FieldError[] = [];
  if ((name === 'exempt') !== (type === 'Exempt')) {
    errors.push(invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === 'Exempt') {
    if (limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    return [...errors, ...(exempt ? validateExempt(exempt, 'spec.exempt') : [])];
  }
  if (type !== 'Limited') return [...errors, notSupported('spec.type', type, ['Exempt', 'Limited'])];
  if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
  if (!limited) return [...errors, required('spec.limited', 'must not be empty when type is Limited')];
  return [...errors, ...validateLimited(limited, 'spec.limited')];
}

function validateExempt(exempt: ExemptPriorityLevelConfiguration, path: string): FieldError[] {
  return [...validateShares(exempt, path), ...validateLendable(exempt, path)];
}

function validateShares(
  { nominalConcurrencyShares: shares = 0 }: ExemptPriorityLevelConfiguration,
  path: string,
): FieldError[] {
  if (shares >= 0) return [];
  return [invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')];
}

function validateLendable({ lendablePercent: percent = 0 }: { lendablePercent?: number }, path: string): FieldError[] {
  if (percent >= 0 && percent <= 100) return [];
  return [invalid(`${path}.lendablePercent`, percent, 'must be between 0 and 100, inclusive')];
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: string): FieldError[] {
  const { borrowingLimitPercent: borrowed, limitResponse } = limited;
  const errors = validateShares(limited, path);
  const { type = '', queuing } = limitResponse ?? {};
  const at = `${path}.limitResponse`;
  if (type === 'Reject') {
    if (queuing) errors.push(forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'));
  } else if (type === 'Queue') {
    if (!queuing) errors.push(required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'));
    else errors.push(...validateQueuing(queuing, `${at}.queuing`));
  } else errors.push(notSupported(`${at}.type`, type, ['Queue', 'Reject']));
  errors.push(...validateLendable(limited, path));
  if (borrowed !== undefined && borrowed < 0) {
    errors.push(invalid(`${path}.borrowingLimitPercent`, borrowed, 'if specified, must be a non-negative integer'));
  }
  return errors;
}

/** Few enough hands that shuffling has something to shuffle: hands of all queues must fit 60 bits of randomness. */
function validateQueuing(
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, 'must be positive'));
  else if (queues > maxQueues) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${maxQueues}`));
  const at = `${path}.handSize`;
  if (handSize <= 0) errors.push(invalid(at, handSize, 'must be positive'));
  else if (handSize > queues) {
    errors.push(invalid(at, handSize, `should not be greater than queues (${queues})`));
  } else if (Math.ceil(Math.log2(queues) * handSize) > 60) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than 60`;
    errors.push(invalid(at, handSize, why));
  }
  return errors;
}

function defaultLevel({ spec }: PriorityLevelConfiguration): void {
  if (!spec) return;
  if (spec.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  const { limited } = spec;
  if (!limited) return;
  limited.nominalConcurrencyShares ??= 30;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (!queuing) return;
  queuing.queues ||= 64;
  queuing.handSize ||= 8;
  queuing.queueLengthLimit ||= 50;
}

/** How many requests of a level are served at once, and which wait how. */
export const priorityLevelConfiguration: Kind<PriorityLevelConfiguration> = {
  countsGeneration: true,
  statusKeeps: 'metadata',
  strategy: {
    default: defaultLevel,
    validate,
    validateUpdate: validate,
    validateStatusUpdate: validateStatusConditions,
  },
  columns: [
    nameColumn,
    column('Type', 'Exempt or Limited.'),
    column('NominalConcurrencyShares', 'Its part of all requests that are served at once.'),
    column('Queues', 'How many queues its requests wait in.'),
    column('HandSize', 'How many of these one flow may use.'),
    column('QueueLengthLimit', 'How many requests may wait in each.'),
    ageColumn,
  ],
  cells(object, now) {
    const { type = '', limited } = object.spec ?? {};
    const queuing = limited?.limitResponse?.queuing;
    const text = (value: number | undefined): string => (value === undefined ? '<none>' : String(value));
    return [
      object.metadata.name,
      type,
      text(limited?.nominalConcurrencyShares),
      text(queuing?.queues),
      text(queuing?.handSize),
      text(queuing?.queueLengthLimit),
      ageCell(object, now),
    ];
  },
};
