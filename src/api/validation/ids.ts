// Numbers and names that the kernel of a node takes.
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { rangeMessage } from '../../apimachinery/validation/names.ts';
import { maxInt32 } from './values.ts';

/** A user or group, 0 to 2^31 - 1. */
export function validateId(field: string, id: number | undefined): FieldError[] {
  if (id === undefined || (id >= 0 && id <= maxInt32)) return [];
  return [fieldError.invalid(field, id, rangeMessage(0, maxInt32))];
}

const segment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlSource = `^(${segment}[\\./])*${segment}$`;
const sysctlPattern = new RegExp(sysctlSource);

/** Why a text is no name of a sysctl (`net.ipv4.ip_forward`, or with slashes); undefined when it is one. */
export function sysctlNameError(name: string): string | undefined {
  if (name.length <= 253 && sysctlPattern.test(name)) return undefined;
  return `must have at most 253 characters and match regex ${sysctlSource}`;
}

/** The namespace of the kernel that a sysctl belongs to, where a container has one of its own. */
export function sysctlNamespace(name: string): 'net' | 'ipc' | undefined {
  const first = /[./]/.exec(name)?.[0];
  // The first separator says which of the two is meant as such (sysctl.d(5)).
  const dotted = first === '/' ? name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : name;
  if (dotted.startsWith('net.')) return 'net';
  const ipc =
    ['kernel.shm_rmid_forced', 'kernel.sem'].includes(dotted) || /^(kernel\.shm|kernel\.msg|fs\.mqueue\.)/.test(dotted);
  return ipc ? 'ipc' : undefined;
}
