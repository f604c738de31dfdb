// Lookups by texts of strangers: names in URLs, types, keys of labels. Every object of JavaScript answers to some that nobody
// put there (`constructor`, `toString`, `__proto__`); these do not.

/** A table of constants that knows no keys but its own. */
export function table<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), entries);
}

/** What an object made of JSON holds under a key that another object, or a request, named. */
export function ownValue<T>(object: { readonly [key: string]: T } | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}
