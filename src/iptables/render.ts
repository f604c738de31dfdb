// The text of rules and tables, as `iptables-restore` reads it.
import type { Chain, Match, Rule, Table, TableUpdate, Target } from './ruleset.ts';

function not(condition: { readonly not?: boolean }): string {
  return condition.not ? '! ' : '';
}

/** Quoted only when it must be, as kube-proxy does. */
function quoted(text: string): string {
  return text.includes(' ') ? `"${text}"` : text;
}

/** Eight digits after `0x`, as kube-proxy writes marks. */
function hex(bits: number): string {
  return `0x${bits.toString(16).padStart(8, '0')}`;
}

function match(m: Match): string {
  switch (m.kind) {
    case 'comment':
      return `-m comment --comment ${quoted(m.text)}`;
    case 'protocol':
      return `-m ${m.protocol} -p ${m.protocol}`;
    case 'protocol-number':
      return `-p ${m.protocol}`;
    case 'source':
      return `${not(m)}-s ${m.address}`;
    case 'destination':
      return `${not(m)}-d ${m.address}`;
    case 'destination-port':
      return `--dport ${m.port}`;
    case 'in-interface':
      return `${not(m)}-i ${m.name}`;
    case 'ct-state':
      return `-m conntrack ${not(m)}--ctstate ${m.states.join(',')}`;
    case 'mark':
      return `-m mark ${not(m)}--mark ${hex(m.bits)}/${hex(m.bits)}`;
    case 'source-type':
      return `-m addrtype ${not(m)}--src-type ${m.type}`;
    case 'destination-type':
      return `-m addrtype ${not(m)}--dst-type ${m.type}`;
    case 'in-set':
      return `-m set --match-set ${m.set} ${m.flags}`;
    case 'from-bridge-port':
      return `-m physdev ${not(m)}--physdev-is-in`;
    case 'virtual-server':
      return `-m ipvs --vaddr ${m.address} --vproto ${m.protocol} --vport ${m.port}`;
    case 'count':
      return `-m nfacct --nfacct-name ${m.counter}`;
    case 'random':
      return `-m statistic --mode random --probability ${m.probability.toFixed(10)}`;
    case 'recently-seen':
      return `-m recent --name ${m.list} --rcheck --seconds ${m.seconds} --reap`;
    case 'remember':
      return `-m recent --name ${m.list} --set`;
  }
}

function target(t: Target): string {
  switch (t.kind) {
    case 'chain':
      return `-j ${t.chain}`;
    case 'MARK':
      return `-j MARK --${t.op}-mark ${hex(t.bits)}`;
    case 'MASQUERADE':
      return `-j MASQUERADE${t.randomFully ? ' --random-fully' : ''}`;
    case 'DNAT':
      return `-j DNAT --to-destination ${t.to}`;
    default:
      return `-j ${t.kind}`;
  }
}

/** The arguments of a rule, without its chain. */
export function renderRule(rule: Rule): string {
  const parts = rule.matches.map(match);
  if (rule.target) parts.push(target(rule.target));
  return parts.join(' ');
}

function declaration(chain: Chain): string {
  return `:${chain.name} ${chain.policy ?? '-'} [0:0]\n`;
}

function rulesOf(chain: Chain): string {
  return chain.rules.map((rule) => `-A ${chain.name} ${renderRule(rule)}\n`).join('');
}

/** A whole table, for `iptables-restore` in place of what is there. */
export function renderTable(table: Table): string {
  return renderUpdate(table);
}

/** An update, for `iptables-restore --noflush`. */
export function renderUpdate(update: TableUpdate): string {
  const gone = (update.remove ?? []).map((name): Chain => ({ name, rules: [] }));
  let text = `*${update.name}\n`;
  for (const chain of update.chains) text += declaration(chain);
  // Declaring a chain empties it, so that it can be removed.
  for (const chain of gone) text += declaration(chain);
  for (const chain of update.chains) text += rulesOf(chain);
  for (const { chain, rule } of update.insert ?? []) text += `-I ${chain} ${renderRule(rule)}\n`;
  for (const { chain, rule } of update.take ?? []) text += `-D ${chain} ${renderRule(rule)}\n`;
  for (const chain of gone) text += `-X ${chain.name}\n`;
  return `${text}COMMIT\n`;
}
