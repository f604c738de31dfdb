// DynamicResources: no kubelet here talks to drivers of devices, so no claim of a pod (resource.k8s.io) is ever allocated. Such
// a pod waits, as it does upstream where no driver offers a device: it must not run without it.
import { isPlayed } from '../node-info.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

export const dynamicResources: FilterPlugin = ({ pod }) => {
  if ((pod.spec.resourceClaims ?? []).length === 0) return undefined;
  return (info) => (isPlayed(info) ? undefined : unresolvable('cannot allocate all claims'));
};
