// Names of resources (`cpu`, `example.com/gpu`, `hugepages-2Mi`) and amounts of them.
import {
  compareQuantities,
  parseQuantity,
  printQuantity,
  type Quantity,
  QuantityError,
  quantityMilliValue,
  quantityValue,
} from '../../apimachinery/quantity.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../apimachinery/validation/names.ts';
import { nameErrors } from '../../apimachinery/validation/object-meta.ts';
import { nonNegativeMessage, positiveMessage } from './values.ts';

const { invalid } = fieldError;

const containerNames = ['cpu', 'memory', 'ephemeral-storage'];
const integerNames = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);

/** What containers use, and what a quota may limit of it for all of them. */
export const computeNames: readonly string[] = ['', 'requests.', 'limits.'].flatMap((prefix) =>
  containerNames.map((name) => `${prefix}${name}`),
);

/** What a quota may limit beside huge pages and what is in a domain of its own. */
export const quotaNames: ReadonlySet<string> = new Set([...computeNames, ...integerNames, 'requests.storage']);

const standardNames = new Set([...quotaNames, 'storage']);

/** The amount of a text that has passed decoding; undefined for one that is none. */
export function amountOf(text: string | undefined): Quantity | undefined {
  if (text === undefined) return undefined;
  try {
    return parseQuantity(String(text));
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Without a prefix, or with one of `kubernetes.io`. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** `nvidia.com/gpu`: of a device plugin, in a domain of its own. Names of a quota's requests are none. */
export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith('requests.')) return false;
  return qualifiedName(`requests.${name}`).length === 0;
}

/** Containers may be promised more of it than there is. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** A name of a resource of any sort. */
export function validateResourceName(field: string, name: string): FieldError[] {
  const errors = nameErrors(qualifiedName, field, name);
  if (errors.length > 0 || name.includes('/') || standardNames.has(name) || isHugePages(name)) return errors;
  return [invalid(field, name, 'must be a standard resource type or fully qualified')];
}

/** A name of a resource that a container can ask for. */
export function validateContainerResourceName(field: string, name: string): FieldError[] {
  const errors = validateResourceName(field, name);
  if (!name.includes('/')) {
    if (!containerNames.includes(name) && !isHugePages(name)) {
      errors.push(invalid(field, name, 'must be a standard resource for containers'));
    }
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalid(field, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** Not negative, and whole where half of the thing is nothing. */
export function validateResourceQuantity(field: string, name: string, text: string): FieldError[] {
  const amount = amountOf(text);
  if (!amount) return [];
  const errors = validateNonNegativeQuantity(field, text);
  const whole = integerNames.has(name) || isExtendedResource(name);
  if (whole && quantityMilliValue(amount) % 1000 !== 0) errors.push(invalid(field, text, 'must be an integer'));
  return errors;
}

export function validateNonNegativeQuantity(field: string, text: string): FieldError[] {
  const amount = amountOf(text);
  return amount && amount.nano < 0n ? [invalid(field, text, nonNegativeMessage)] : [];
}

export function validatePositiveQuantity(field: string, text: string): FieldError[] {
  const amount = amountOf(text);
  return amount && amount.nano <= 0n ? [invalid(field, text, positiveMessage)] : [];
}

/** An amount of anything at all. */
export function validateBasicQuantity(field: string, text: string): FieldError[] {
  const amount = amountOf(text);
  if (!amount || amount.nano >= 0n) return [];
  return [invalid(field, quantityValue(amount), 'must be a valid resource quantity')];
}

/** Huge pages come in whole pages. */
export function validateHugePages(field: string, name: string, text: string): FieldError[] {
  const size = amountOf(name.slice('hugepages-'.length));
  const amount = amountOf(text);
  if (!size || !amount) return [];
  const fits = size.nano > 0n && amount.nano >= 0n && amount.nano % size.nano === 0n;
  return fits ? [] : [invalid(field, text, `${text} is not positive integer multiple of ${name}`)];
}

export interface RequestAndLimit {
  readonly name: string;
  readonly request: string;
  readonly limit: string | undefined;
}

/** A request is at most the limit, and equal to it where there is no overcommitment. */
export function validateRequestAgainstLimit(path: string, { name, request, limit }: RequestAndLimit): FieldError[] {
  const [asked, allowed] = [amountOf(request), amountOf(limit)];
  if (!asked) return [];
  const strict = !isOvercommitAllowed(name);
  if (!allowed) {
    return strict ? [fieldError.required(`${path}.limits`, 'Limit must be set for non overcommitable resources')] : [];
  }
  const order = compareQuantities(asked, allowed);
  const [shown, most] = [printQuantity(asked), printQuantity(allowed)];
  if (order !== 0 && strict) return [invalid(`${path}.requests`, shown, `must be equal to ${name} limit of ${most}`)];
  if (order > 0) return [invalid(`${path}.requests`, shown, `must be less than or equal to ${name} limit of ${most}`)];
  return [];
}
