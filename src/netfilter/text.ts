// A step as a line of text, with the rule as its own tool writes it.
import { renderRule as iptablesRule } from '../iptables/render.ts';
import { joinHostPort } from '../net/ip.ts';
import { renderRule as nftablesRule } from '../nftables/render.ts';
import type { AddressPort, Decision, FoundElement, Step } from './packet.ts';

const hostPort = ({ address, port }: AddressPort): string => joinHostPort(address, port);

function elementsText(elements: readonly FoundElement[]): string {
  return elements.map(({ set, key, value }) => ` [${set}: ${key}${value === '' ? '' : ` : ${value}`}]`).join('');
}

/** What decided, in the words of nft, iptables or ipvsadm. */
export function decisionText(decision: Decision): string {
  switch (decision.by) {
    case 'nftables': {
      const { table, chain, rule, elements } = decision;
      return `${table.family} ${table.name} ${chain}: ${nftablesRule(rule)}${elementsText(elements)}`;
    }
    case 'iptables': {
      const { table, chain, rule, elements } = decision;
      return `-t ${table} -A ${chain} ${iptablesRule(rule)}${elementsText(elements)}`;
    }
    case 'ipvs': {
      const { server, realServer } = decision;
      const to = realServer ? hostPort(realServer) : 'no real server';
      return `ipvs ${server.protocol} ${hostPort(server)} ${server.scheduler} -> ${to}`;
    }
    case 'conntrack':
      return 'known connection';
    case 'routing': {
      const { to } = decision;
      if (typeof to === 'string') return `route to ${to}`;
      return `route ${to.destination} dev ${to.device}${to.via ? ` via ${to.via}` : ''}`;
    }
  }
}

export function stepText({ hook, decision, chance, packet }: Step): string {
  const dice = chance < 1 ? ` (${(chance * 100).toFixed(2)} %)` : '';
  const mark = packet.mark === 0 ? '' : ` mark 0x${packet.mark.toString(16)}`;
  return `${hook}: ${decisionText(decision)}${dice} => ${hostPort(packet.source)} -> ${hostPort(packet.destination)}${mark}`;
}
