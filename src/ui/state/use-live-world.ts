// The live picture: follows the stream, comes back when it breaks, and hands changes over once a frame.
import { startTransition, useEffect, useState } from 'react';
import { ApiError, readStream } from './api.ts';
import { gather } from './gather.ts';
import { emptyWorld, type World, withChanges, worldOf } from './world.ts';

export type Link = 'connecting' | 'live' | 'lost' | 'refused';

const againMs = 1000;

export function useLiveWorld(): { readonly world: World; readonly link: Link } {
  const [world, setWorld] = useState(emptyWorld);
  const [link, setLink] = useState<Link>('connecting');
  useEffect(() => {
    const stop = new AbortController();
    // Drawing gives way to whatever the user does meanwhile.
    const changes = gather((some) => startTransition(() => setWorld((before) => withChanges(before, some))));
    const follow = async () => {
      while (!stop.signal.aborted) {
        try {
          await readStream(
            {
              picture(picture) {
                changes.clear();
                setWorld(worldOf(picture.items, picture));
                setLink('live');
              },
              change: changes.add,
            },
            stop.signal,
          );
        } catch (error) {
          if (error instanceof ApiError && error.status === 401) {
            setLink('refused');
            return;
          }
        }
        if (stop.signal.aborted) return;
        setLink('lost');
        await new Promise((done) => setTimeout(done, againMs));
      }
    };
    void follow();
    return () => {
      stop.abort();
      changes.clear();
    };
  }, []);
  return { world, link };
}
