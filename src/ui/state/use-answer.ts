// An answer of the server that belongs to a question: asked again when the question changes, the old one shown till then.
import { useEffect, useRef, useState } from 'react';

export interface Answer<T> {
  readonly value: T | undefined;
  readonly error: string;
}

/**
 * `key` undefined asks nothing. Only one question is on its way at a time, and between an answer and the next question there
 * are at least `restMs`: of those that come meanwhile, the last is asked.
 */
export function useAnswer<T>(key: string | undefined, ask: () => Promise<T>, restMs = 0): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ value: undefined, error: '' });
  const wanted = useRef({ count: 0, key, ask });
  const isBusy = useRef(false);
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when the question is another
  useEffect(() => {
    wanted.current = { count: wanted.current.count + 1, key, ask };
    if (key === undefined) setAnswer({ value: undefined, error: '' });
    else if (!isBusy.current) void askAll();

    async function askAll(): Promise<void> {
      isBusy.current = true;
      let asked = 0;
      while (!isGone.current && wanted.current.key !== undefined && wanted.current.count !== asked) {
        asked = wanted.current.count;
        const found = await answerOf(wanted.current.ask);
        if (wanted.current.key !== undefined && !isGone.current) setAnswer(found);
        await new Promise((done) => setTimeout(done, restMs));
      }
      isBusy.current = false;
    }
  }, [key]);
  return answer;
}

async function answerOf<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await ask(), error: '' };
  } catch (error) {
    return { value: undefined, error: error instanceof Error ? error.message : String(error) };
  }
}
