/** What every sealed value begins with; nothing that is not sealed does. */
export const sealedPrefix = 'k8s:enc:';

/** Whether a value is sealed: nobody without the keys can make anything of it. */
export function isSealed(value: string): boolean {
  return value.startsWith(sealedPrefix);
}

/** A value that no key opens. It is told with the key of the store, never with what the value is. */
export class UnreadableError extends Error {
  readonly kind = 'unreadable';

  constructor(key: string, why: string) {
    super(`unable to transform key ${JSON.stringify(key)}: ${why}`);
  }
}

/** For a server without keys: says what it lacks where a value is sealed. */
export function refuseSealed({ key, value }: { readonly key: string; readonly value: string }): void {
  if (isSealed(value)) throw new UnreadableError(key, 'it is encrypted, and there is no --encryption-provider-config');
}
