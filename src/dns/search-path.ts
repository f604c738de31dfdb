// Search-path noise answered at once (CoreDNS's autopath): with ndots:5 a resolver asks for `www.example.com` as
// `www.example.com.demo.svc.cluster.local.` and so on first, for A and for AAAA. Where the first of these is not there and the
// client is known to search so, the reply already holds what its whole search would have found.
import { isWithin } from './wire/name.ts';

/** The search domains of a client, lower case with the final dot, the first first; undefined for clients not known to search. */
export type SearchPathOf = (address: string) => readonly string[] | undefined;

/** The names that a client would ask next, in order, when `name` is not there; none when it does not search. */
export function namesToTry(name: string, searchPath: readonly string[] | undefined): string[] {
  const [first, ...rest] = searchPath ?? [];
  if (first === undefined || first === '.' || !isWithin(name.toLowerCase(), first)) return [];
  const asked = name.slice(0, -first.length);
  if (asked === '' || asked === '.') return [];
  return [...rest.map((domain) => (domain === '.' ? asked : `${asked}${domain}`)), asked];
}
