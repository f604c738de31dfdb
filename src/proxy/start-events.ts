// What a proxy that starts tells of on its node (Kubernetes v1.36, cmd/kube-proxy). That it starts is not told: beside a foreign
// API server the proxy only reads, unless something is wrong.
import type { EventText } from '../client/events.ts';
import type { ProxyMode } from './settings.ts';

export const ipvsDeprecation =
  "The ipvs proxier is now deprecated and may be removed in a future release. Please use 'nftables' instead.";

export function startEvents(mode: ProxyMode): readonly EventText[] {
  return mode === 'ipvs' ? [{ type: 'Warning', reason: 'IPVSDeprecation', message: ipvsDeprecation }] : [];
}

/** kube-proxy knows its node by name only, which stands for the uid, too. */
export function nodeReference(name: string) {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}
