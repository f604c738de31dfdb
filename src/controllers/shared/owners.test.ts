// Owner references are a list, written as a whole: what others write meanwhile must stay.
import { expect, test } from 'vitest';
import type { ControllerRevision } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import {
  controllerRevisions,
  daemonSets,
  deployments,
  persistentVolumeClaims,
  pods,
  replicaSets,
  statefulSets,
} from '../../client/resources.ts';
import { makeDeployment, podSpec, startControllers } from '../harness/start.ts';

interface Adoption {
  readonly controller: string;
  readonly owner: readonly [GroupVersionResource, KubeObject];
  readonly owned: readonly [GroupVersionResource, KubeObject];
}

const metadata = { name: 'web', namespace: 'default' };
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: podSpec };
const base = { selector: { matchLabels: labels }, template };
const pod: Pod = { metadata: { name: 'web-0', namespace: 'default', labels }, spec: podSpec };
const revision: ControllerRevision = { metadata: { ...metadata, labels }, revision: 1, data: {} };
const claim = { metadata: { name: 'data-web-0', namespace: 'default' }, spec: {} };
const withClaims = {
  replicas: 1,
  volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
  persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
};
const workload = (spec: object): KubeObject => ({ metadata, spec: { ...base, ...spec } }) as KubeObject;

test.each<Adoption>([
  { controller: 'replicaset-controller', owner: [replicaSets, workload({ replicas: 1 })], owned: [pods, pod] },
  {
    controller: 'deployment-controller',
    owner: [deployments, makeDeployment('web')],
    owned: [replicaSets, { ...workload({ replicas: 0 }), metadata: { ...metadata, labels } }],
  },
  { controller: 'daemonset-controller', owner: [daemonSets, workload({})], owned: [controllerRevisions, revision] },
  {
    controller: 'statefulset-controller',
    owner: [statefulSets, workload(withClaims)],
    owned: [persistentVolumeClaims, claim],
  },
])('$controller writes itself beside an owner who comes at the same time', async ({ controller, owner, owned }) => {
  const { api, retry, stop } = startControllers({ names: [controller] });
  const [resource, object] = owned;
  const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' };
  let isFirst = true;
  api.react(({ verb, resource: asked, key }) => {
    const { name, namespace = '' } = object.metadata;
    if (!isFirst || verb !== 'patch' || asked !== resource.resource || key !== `${namespace}/${name}`) return;
    isFirst = false;
    api.patch(resource, { name, namespace, type: 'merge', body: { metadata: { ownerReferences: [other] } } });
  });
  await api.resource(resource).create(object);
  await api.resource(owner[0]).create(owner[1]);
  await retry();
  const { ownerReferences } = (await api.resource(resource).get(object.metadata.name, 'default')).metadata;
  expect(ownerReferences?.map(({ name }) => name)).toEqual(['other', 'web']);
  await stop();
});
