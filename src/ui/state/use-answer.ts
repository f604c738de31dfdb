// An answer of the server that belongs to a question: asked again when the question changes, the old one shown till then.
import { useEffect, useState } from 'react';

export interface Answer<T> {
  readonly value: T | undefined;
  readonly error: string;
}

/** `key` undefined asks nothing. */
export function useAnswer<T>(key: string | undefined, ask: () => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ value: undefined, error: '' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when the question is another
  useEffect(() => {
    let isWanted = true;
    if (key === undefined) setAnswer({ value: undefined, error: '' });
    else {
      ask().then(
        (value) => isWanted && setAnswer({ value, error: '' }),
        (error: unknown) =>
          isWanted && setAnswer({ value: undefined, error: error instanceof Error ? error.message : String(error) }),
      );
    }
    return () => {
      isWanted = false;
    };
  }, [key]);
  return answer;
}
