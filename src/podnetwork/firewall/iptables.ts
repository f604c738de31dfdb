// A firewall in iptables, of which the pure part: what `iptables -S` lists, and what `iptables-restore --noflush` is told.
import type { Accept, FirewallHook } from './accepts.ts';

const hookChains: readonly { readonly hook: FirewallHook; readonly chain: string; readonly own: string }[] = [
  { hook: 'forward', chain: 'FORWARD', own: 'PORTICO-FORWARD' },
  { hook: 'input', chain: 'INPUT', own: 'PORTICO-INPUT' },
];

const comment = '-m comment --comment "portico pod network"';
const jump = ({ chain, own }: { chain: string; own: string }) => `-A ${chain} ${comment} -j ${own}`;

/** As `iptables -S` prints it. */
function ruleText(own: string, { source, destination, protocol, port }: Accept): string {
  return [
    `-A ${own}`,
    ...(source ? [`-s ${source}`] : []),
    ...(destination ? [`-d ${destination}`] : []),
    ...(protocol ? [`-p ${protocol} -m ${protocol} --dport ${port}`] : []),
    '-j ACCEPT',
  ].join(' ');
}

const rulesOf = (lines: readonly string[], chain: string) => lines.filter((line) => line.startsWith(`-A ${chain} `));
const targetOf = (line: string) => / -[jg] (\S+)/.exec(line)?.[1];

/** Whether packets that no rule means are dropped: by the policy, or by a rule without conditions here or further on. */
function drops(lines: readonly string[], chain: string): boolean {
  if (lines.includes(`-P ${chain} DROP`)) return true;
  const seen = new Set<string>();
  const dropsIn = (name: string): boolean => {
    // kube-proxy's own chains refuse what has no endpoint, and nothing else.
    if (seen.has(name) || name.startsWith('KUBE-') || name.startsWith('PORTICO-')) return false;
    seen.add(name);
    return rulesOf(lines, name).some((line) => {
      if (new RegExp(`^-A ${name} -j (DROP|REJECT)\\b`).test(line)) return true;
      const target = targetOf(line);
      return target !== undefined && lines.includes(`-N ${target}`) && dropsIn(target);
    });
  };
  return dropsIn(chain);
}

/**
 * The document that makes a firewall let through what it must, from the listing of its table `filter`; undefined when it does,
 * or drops nothing. Rules of ours stand behind those by which kube-proxy refuses Services without endpoints.
 */
export function iptablesChanges(listing: string, accepts: readonly Accept[]): string | undefined {
  const lines = listing.split('\n').map((line) => line.trimEnd());
  const document: string[] = [];
  for (const where of hookChains) {
    const { hook, chain, own } = where;
    if (!drops(lines, chain)) continue;
    const wanted = accepts.filter((accept) => accept.hook === hook).map((accept) => ruleText(own, accept));
    if (rulesOf(lines, own).join('\n') !== wanted.join('\n')) document.push(`:${own} - [0:0]`, ...wanted);
    const present = rulesOf(lines, chain);
    if (present.includes(jump(where))) continue;
    const position = present.findLastIndex((line) => targetOf(line)?.startsWith('KUBE-')) + 2;
    document.push(`-I ${chain} ${position} ${comment} -j ${own}`);
  }
  return restoreDocument(document);
}

/** The document that takes away what {@link iptablesChanges} made; undefined when nothing of it is there. */
export function iptablesRemoval(listing: string): string | undefined {
  const lines = listing.split('\n').map((line) => line.trimEnd());
  return restoreDocument(
    hookChains.flatMap((where) => {
      const jumps = lines.includes(jump(where)) ? [jump(where).replace('-A', '-D')] : [];
      return lines.includes(`-N ${where.own}`) ? [`:${where.own} - [0:0]`, ...jumps, `-X ${where.own}`] : jumps;
    }),
  );
}

function restoreDocument(lines: readonly string[]): string | undefined {
  if (lines.length === 0) return undefined;
  // Chains are declared before rules.
  const sorted = [...lines.filter((l) => l.startsWith(':')), ...lines.filter((l) => !l.startsWith(':'))];
  return `*filter\n${sorted.join('\n')}\nCOMMIT\n`;
}
