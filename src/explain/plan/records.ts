// The records of the cluster's zone that Services and their endpoints give rise to, as lines.
import type { KubeObject } from '../../apimachinery/object.ts';
import { CLASS_IN, type RecordData, TYPE } from '../../dns/wire/message.ts';
import { answer } from '../../dns/zone/answer.ts';
import { endpointName } from '../../dns/zone/view.ts';
import { worldOf } from '../trace/world.ts';

/** Sorted; each `NAME TYPE DATA`. */
export function zoneRecords(objects: readonly KubeObject[], clusterDomain: string): string[] {
  const { services, zone, zoneConfig } = worldOf(objects, clusterDomain);
  const lines = new Set<string>();
  const ask = (name: string, type: number) => {
    for (const { name: owner, data } of answer(zone, { name, type, class: CLASS_IN }, zoneConfig).answers) {
      lines.add(`${owner} ${data.type} ${dataText(data)}`);
    }
  };
  for (const { metadata, spec } of services.values()) {
    const name = `${metadata.name}.${metadata.namespace}.svc.${zoneConfig.zone}`;
    const hosts = [name];
    for (const endpoint of zone.endpoints(metadata.namespace ?? '', metadata.name)) {
      if (spec.clusterIP === 'None') hosts.push(`${endpointName(endpoint)}.${name}`);
    }
    for (const host of hosts) for (const type of [TYPE.A, TYPE.AAAA]) ask(host, type);
    for (const { name: port, protocol = 'TCP' } of spec.ports ?? []) {
      if (port) ask(`_${port}._${protocol.toLowerCase()}.${name}`, TYPE.SRV);
    }
  }
  return [...lines].sort();
}

function dataText(data: RecordData): string {
  if ('address' in data) return data.address;
  if (data.type === 'SRV') return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
  return 'target' in data ? data.target : '';
}
