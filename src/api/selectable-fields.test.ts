// Fields for field selectors, beside metadata.name and metadata.namespace: those of kube-apiserver v1.36.
import { expect, test } from 'vitest';
import { builtinResources } from './registry.ts';

const selectable: Readonly<Record<string, string>> = {
  'v1 events':
    'involvedObject.apiVersion involvedObject.fieldPath involvedObject.kind involvedObject.name involvedObject.namespace involvedObject.resourceVersion involvedObject.uid reason reportingComponent source type',
  'v1 namespaces': 'status.phase',
  'v1 nodes': 'spec.unschedulable',
  'v1 pods':
    'spec.host spec.hostNetwork spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName status.nominatedNodeName status.phase status.podIP status.podIPs',
  'v1 replicationcontrollers': 'status.replicas',
  'v1 secrets': 'type',
  'v1 services': 'spec.clusterIP spec.type',
  'apps/v1 replicasets': 'status.replicas',
  'batch/v1 jobs': 'status.successful',
  'certificates.k8s.io/v1 certificatesigningrequests': 'spec.signerName',
  'resource.k8s.io/v1 resourceslices': 'spec.driver spec.nodeName',
};

test.each(Object.entries(selectable))('%s: %s', (name, fields) => {
  const found = builtinResources().find(
    ({ group, version, resource }) => `${group === '' ? '' : `${group}/`}${version} ${resource}` === name,
  );
  expect(Object.keys(found!.selectableFields).sort().join(' ')).toBe(fields);
});

test('no other kind has any, but those whose parent is looked for', () => {
  const others = builtinResources().filter(
    ({ group, version, resource, selectableFields }) =>
      Object.keys(selectableFields).length > 0 &&
      !(`${group === '' ? '' : `${group}/`}${version} ${resource}` in selectable),
  );
  expect(others.map(({ resource, group }) => `${resource}.${group}`)).toEqual([
    'events.events.k8s.io',
    'ipaddresses.networking.k8s.io',
  ]);
});
