// The source ranges of load balancers fill two sets: the addresses that have any, and who may use them. A claim is made on an
// address with all its sources at once, so that Services which disagree about one do not mix.
import type { Change } from '../../nftables/transaction.ts';
import { sets } from './base.ts';
import { sourceSeparator } from './service.ts';

function sourcesOf(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(sourceSeparator);
}

/** The elements of both sets, from addresses with their sources as values. */
export function sourceElements(firewalled: ReadonlyMap<string, string>): Map<string, Map<string, string>> {
  const addresses = new Map<string, string>();
  const sources = new Map<string, string>();
  for (const [key, value] of firewalled) {
    addresses.set(key, '');
    for (const source of sourcesOf(value)) sources.set(`${key} . ${source}`, '');
  }
  return new Map([
    [sets.firewalled, addresses],
    [sets.firewallSources, sources],
  ]);
}

/** The same for changes, which are added to the other `elements` of a transaction. */
export function spreadSources(
  changes: Map<string, Change<string>>,
  elements: Map<string, Map<string, Change<string>>>,
): void {
  const presence = (value: string | undefined) => (value === undefined ? undefined : '');
  const addresses = new Map<string, Change<string>>();
  const sources = new Map<string, Change<string>>();
  for (const [key, { before, after }] of changes) {
    addresses.set(key, { before: presence(before), after: presence(after) });
    const old = sourcesOf(before);
    const now = sourcesOf(after);
    for (const source of old) if (!now.includes(source)) sources.set(`${key} . ${source}`, { before: '' });
    for (const source of now) if (!old.includes(source)) sources.set(`${key} . ${source}`, { after: '' });
  }
  elements.set(sets.firewalled, addresses);
  elements.set(sets.firewallSources, sources);
}
