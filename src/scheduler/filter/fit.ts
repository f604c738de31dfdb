// NodeResourcesFit and NodePorts.

import { clash, hostPortsOf } from '../../api/core/v1/pod/facts.ts';
import { type FilterPlugin, resolvable, unresolvable } from '../plugin.ts';
import { podRequests } from '../pod-resources.ts';

export const nodeResourcesFit: FilterPlugin = ({ pod }) => {
  const requests = Object.entries(podRequests(pod)).filter(([, amount]) => amount > 0);
  return ({ allocatable, requested, pods }) => {
    const reasons: string[] = [];
    let impossible = false;
    if (pods.size + 1 > (allocatable.pods ?? 0)) reasons.push('Too many pods');
    for (const [name, amount] of requests) {
      const there = allocatable[name] ?? 0;
      if (amount <= there - (requested[name] ?? 0)) continue;
      reasons.push(`Insufficient ${name}`);
      impossible ||= amount > there;
    }
    if (reasons.length === 0) return undefined;
    return impossible ? unresolvable(...reasons) : resolvable(...reasons);
  };
};

export const nodePorts: FilterPlugin = ({ pod }) => {
  const wanted = hostPortsOf(pod);
  if (wanted.length === 0) return undefined;
  return ({ ports }) => {
    for (const taken of ports.values()) {
      if (taken.some((port) => wanted.some((w) => clash(port, w)))) {
        return resolvable("node(s) didn't have free ports for the requested pod ports");
      }
    }
    return undefined;
  };
};
