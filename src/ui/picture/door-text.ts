// What a door says of its Service: to those who see it, and to those who hear it.
import type { ServiceItem } from '../../explain/picture/picture.ts';

/** Where it is asked: its address, and its ports where it has any. */
export function doorDetails({ clusterIPs, externalName, ports }: ServiceItem): string[] {
  const address = externalName ?? clusterIPs[0] ?? 'no address yet';
  const shown = ports.map(({ port, protocol }) => `${port}/${protocol}`).join(' ');
  return [address === 'None' ? 'headless' : address, shown].filter((text) => text !== '');
}

/** All that the door shows, as its accessible name; `lost` is the share of new connections that go nowhere, 0 to 1. */
export function doorName(service: ServiceItem, lost: number): string {
  const { namespace, name, type } = service;
  const trouble = lost > 0.999 ? ['nobody answers'] : lost > 0 ? ['not on every node'] : [];
  const kind = type === 'ClusterIP' ? [] : [type];
  return [`Service ${namespace}/${name}`, ...doorDetails(service), ...kind, ...trouble].join(', ');
}
