/** A value, or the promise of one where something must be waited for: most of what a request asks is known at once. */
export type Later<T> = T | Promise<T>;

/** Goes on with a value: in the same turn where it is there already. */
export function andThen<T, U>(value: Later<T>, goOn: (value: T) => Later<U>): Later<U> {
  return value instanceof Promise ? value.then(goOn) : goOn(value);
}
