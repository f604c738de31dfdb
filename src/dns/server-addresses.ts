import { canonicalIP } from '../net/ip.ts';
import type { ListenAddress } from './listener.ts';

/** Where clients find the server: what it listens on, and for 0.0.0.0 and :: all of the machine's addresses of that family. */
export function serverAddresses(listen: readonly ListenAddress[], ofMachine: readonly string[]): string[] {
  const found = listen.flatMap(({ address }) => {
    const text = canonicalIP(address);
    if (text === '0.0.0.0') return ofMachine.filter((own) => !own.includes(':'));
    return text === '::' ? ofMachine.filter((own) => own.includes(':')) : [address];
  });
  return [...new Set(found)];
}
