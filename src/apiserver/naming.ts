// What says which requests pass may have come into storage past the API, and not be of the form of its kind. It may be what forbids
// a request, so none passes that it could be about; the answer names it, so that somebody can mend it.
import { errorMessage } from '../apimachinery/error-message.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { QuantityError } from '../apimachinery/quantity.ts';

/** Does what an object says. Where that cannot be done with one of its form, throws an Error that names it. */
export function naming<T>({ kind, metadata }: Readonly<KubeObject>, act: () => T): T {
  const explain = (error: unknown): never => {
    if (!(error instanceof TypeError) && !(error instanceof QuantityError)) throw error;
    const what = `${kind} ${JSON.stringify(metadata.name)}`;
    const why = `${what} is stored in a form that its kind does not have, delete it: ${errorMessage(error)}`;
    throw new Error(why, { cause: error });
  };
  try {
    const done = act();
    return done instanceof Promise ? (done.catch(explain) as T) : done;
  } catch (error) {
    return explain(error);
  }
}
