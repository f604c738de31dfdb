import { compareQuantities, parseQuantity } from '../../../../apimachinery/quantity.ts';
import { ownValue } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import {
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceName,
} from '../../../validation/quantities.ts';
import type { LimitRange, LimitRangeItem } from '../types.generated.ts';

const { required, forbidden, invalid, duplicate } = fieldError;
const types = ['Pod', 'Container', 'PersistentVolumeClaim'];

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const seen = new Set<string>();
  return (spec?.limits ?? []).flatMap((item, i) => {
    const path = `spec.limits[${i}]`;
    const errors = validateType(item.type, `${path}.type`);
    if (seen.has(item.type)) errors.push(duplicate(`${path}.type`, item.type));
    seen.add(item.type);
    return [...errors, ...validateItem(item, path)];
  });
}

function validateType(type: string, path: string): FieldError[] {
  const errors = nameErrors(qualifiedName, path, type);
  if (errors.length > 0 || type.includes('/') || types.includes(type)) return errors;
  return [invalid(path, type, 'must be a standard limit type or fully qualified')];
}

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
  const nameRule =
    item.type === 'Pod' || item.type === 'Container' ? validateContainerResourceName : validateResourceName;
  for (const list of lists) {
    const names = Object.keys(item[list] ?? {}).sort();
    if (item.type === 'Pod' && list.startsWith('default')) {
      if (names.length > 0) errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
    } else {
      errors.push(...names.flatMap((name) => nameRule(`${path}.${list}[${name}]`, name)));
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
    const why = 'either minimum or maximum storage value is required, but neither was provided';
    errors.push(required(`${path}.limits`, why));
  }
  const compared = lists.filter((list) => item.type !== 'Pod' || !list.startsWith('default'));
  const names = new Set(compared.flatMap((list) => Object.keys(item[list] ?? {})));
  return [...errors, ...[...names].sort().flatMap((name) => validateAmounts(item, name, path))];
}

/** How the five amounts of one resource must stand to each other. */
function validateAmounts(item: LimitRangeItem, name: string, path: string): FieldError[] {
  const isPod = item.type === 'Pod';
  const [min, max] = [ownValue(item.min, name), ownValue(item.max, name)];
  const ratio = ownValue(item.maxLimitRequestRatio, name);
  const limit = isPod ? undefined : ownValue(item.default, name);
  const request = isPod ? undefined : ownValue(item.defaultRequest, name);
  const errors: FieldError[] = [];
  const refuse = (list: string, value: string | undefined, why: string) =>
    errors.push(invalid(`${path}.${list}[${name}]`, value, why));
  if (exceeds(min, max)) refuse('min', min, `min value ${min} is greater than max value ${max}`);
  if (exceeds(min, request)) {
    refuse('defaultRequest', request, `min value ${min} is greater than default request value ${request}`);
  }
  if (exceeds(request, max)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  }
  if (exceeds(request, limit)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than default limit value ${limit}`);
  }
  if (exceeds(min, limit)) refuse('default', min, `min value ${min} is greater than default value ${limit}`);
  if (exceeds(limit, max)) refuse('default', max, `default value ${limit} is greater than max value ${max}`);
  if (exceeds('1', ratio)) refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const widest = nano(max) / nano(min);
    if (nano(ratio) / 1e9 > widest) {
      refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`);
    }
  }
  if (!isOvercommitAllowed(name) && (exceeds(limit, request) || exceeds(request, limit))) {
    refuse(
      'defaultRequest',
      request,
      `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
    );
  }
  return errors;
}

function nano(text: string): number {
  return Number(parseQuantity(text).nano);
}

/** Whether both are there and the first is the greater. */
function exceeds(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && compareQuantities(parseQuantity(a), parseQuantity(b)) > 0;
}
