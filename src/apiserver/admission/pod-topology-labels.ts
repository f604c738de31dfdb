// A pod that comes to a node gets the labels that say where the node stands (KEP-4742): what runs in it may read them
// through the downward API. A binding carries them to its pod.
import type { Binding, Node, Pod } from '../../api/core/v1/types.generated.ts';
import type { AdmissionPlugin } from './admission.ts';

const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  resources: ['pods'],
  admit({ definition, operation, subresource, object }, view) {
    if (definition.group !== '' || definition.resource !== 'pods' || operation !== 'CREATE' || !object) return;
    if (subresource !== '' && subresource !== 'binding') return;
    const nodeName =
      subresource === '' ? (object as unknown as Pod).spec?.nodeName : (object as unknown as Binding).target.name;
    // A node that is not there is for others to miss.
    const labels = nodeName ? view.find<Node>('nodes', { name: nodeName })?.metadata.labels : undefined;
    for (const key of topologyLabels) {
      const value = labels?.[key];
      if (value !== undefined) object.metadata.labels = { ...object.metadata.labels, [key]: value };
    }
  },
};
