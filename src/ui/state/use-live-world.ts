// The live picture: follows the stream, comes back when it breaks, and hands changes over once a frame.
import { startTransition, useEffect, useState } from 'react';
import type { PictureChange } from '../../explain/picture/picture.ts';
import { ApiError, readStream } from './api.ts';
import { emptyWorld, type World, withChanges, worldOf } from './world.ts';

export type Link = 'connecting' | 'live' | 'lost' | 'refused';

const againMs = 1000;

export function useLiveWorld(): { readonly world: World; readonly link: Link } {
  const [world, setWorld] = useState(emptyWorld);
  const [link, setLink] = useState<Link>('connecting');
  useEffect(() => {
    const stop = new AbortController();
    let waiting: PictureChange[] = [];
    let frame = 0;
    const flush = () => {
      frame = 0;
      const changes = waiting;
      waiting = [];
      // Drawing gives way to whatever the user does meanwhile.
      startTransition(() => setWorld((before) => withChanges(before, changes)));
    };
    const follow = async () => {
      while (!stop.signal.aborted) {
        try {
          await readStream(
            {
              picture(picture) {
                waiting = [];
                setWorld(worldOf(picture.items, picture));
                setLink('live');
              },
              change(change) {
                waiting.push(change);
                if (frame === 0) frame = requestAnimationFrame(flush);
              },
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
      cancelAnimationFrame(frame);
    };
  }, []);
  return { world, link };
}
