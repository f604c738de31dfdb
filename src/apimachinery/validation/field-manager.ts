// Names of those who manage fields: what they may look like (k8s.io/apimachinery, ValidateFieldManager), and the one that a
// client has who gives none.
import type { ManagedFieldsEntry } from '../meta/v1.generated.ts';
import { inOnePiece } from '../one-piece.ts';
import { type FieldError, fieldError } from './field-error.ts';

/** In bytes. */
const longestManager = 128;
const longestSubresource = 256;

/** Not printable to Go's package unicode. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u;

export function fieldManagerErrors(manager: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > longestManager) errors.push(fieldError.tooLong(path, longestManager));
  if (!unprintable.test(manager)) return errors;
  let position = 0;
  for (const character of manager) {
    if (unprintable.test(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      errors.push(fieldError.invalid(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

/** By User-Agent: clients are few, and each asks again and again. */
const managers = new Map<string, string>();
const mostManagers = 100;
/** Characters of one that is kept. */
const longestAgent = 200;

/** The manager that a User-Agent stands for: what is before its first slash, as far as that may be a name. */
export function managerOfUserAgent(agent: string): string {
  if (agent.length > longestAgent) return readManager(agent);
  let manager = managers.get(agent);
  if (manager === undefined) {
    manager = inOnePiece(readManager(agent));
    if (managers.size === mostManagers) managers.clear();
    managers.set(agent, manager);
  }
  return manager;
}

function readManager(agent: string): string {
  const given = agent.split('/', 1)[0]!;
  if (given.length <= longestManager / 4 && !unprintable.test(given)) return given;
  let manager = '';
  for (const character of given) {
    if (unprintable.test(character)) continue;
    if (Buffer.byteLength(manager + character) > longestManager) break;
    manager += character;
  }
  return manager;
}

/** What a client says of managers itself. */
export function managedFieldsErrors(entries: readonly ManagedFieldsEntry[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (let i = 0; i < (entries?.length ?? 0); i++) {
    const { operation = '', fieldsType = '', manager = '', subresource = '' } = entries![i]!;
    const at = `${path}[${i}]`;
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(fieldError.invalid(`${at}.operation`, operation, 'must be `Apply` or `Update`'));
    }
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') {
      errors.push(fieldError.invalid(`${at}.fieldsType`, fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...fieldManagerErrors(manager, `${at}.manager`));
    if (Buffer.byteLength(subresource) > longestSubresource) {
      errors.push(fieldError.tooLong(`${at}.subresource`, longestSubresource));
    }
  }
  return errors;
}
