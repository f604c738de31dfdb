import { expect, test } from 'vitest';
import type { Container, Pod, VolumeMount } from '../../api/core/v1/types.generated.ts';
import { type ContainerInput, containerConfig, sandboxConfig } from './container-config.ts';

const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [] } };
const input: ContainerInput = {
  attempt: 0,
  podRestarts: 0,
  environment: new Map(),
  mountSources: ['/host/v', 'docs'],
  images: new Map([['i', 'sha256:1']]),
  readonlyVolumes: new Set(['i']),
  devices: new Map(),
  hostsFile: '/hosts',
  terminationFile: '/message',
  resources: {},
};

function mounts(...volumeMounts: VolumeMount[]) {
  const container: Container = { name: 'c', volumeMounts };
  return containerConfig(pod, container, input).mounts?.slice(0, volumeMounts.length);
}

test('folders are mounted by their path, images by their id with the path in them', () => {
  const [folder, image] = mounts({ name: 'v', mountPath: '/v' }, { name: 'i', mountPath: '/i' }) ?? [];
  expect(folder).toMatchObject({ containerPath: '/v', hostPath: '/host/v', readonly: false });
  const expected = { containerPath: '/i', image: { image: 'sha256:1' }, imageSubPath: 'docs', readonly: true };
  expect(image).toMatchObject(expected);
  expect(image?.hostPath).toBeUndefined();
});

test('a mount that must be read-only with all that is mounted in it cannot be', () => {
  const readOnly = { name: 'v', mountPath: '/v', readOnly: true };
  expect(mounts({ ...readOnly, recursiveReadOnly: 'IfPossible' })).toHaveLength(1);
  expect(() => mounts({ ...readOnly, recursiveReadOnly: 'Enabled' })).toThrow(
    'volume "v" requested recursive read-only mode, but it is not supported by the runtime',
  );
});

test.each([
  [undefined, 0],
  ['Merge', 0],
  ['Strict', 1],
])('groups of the image: %s', (supplementalGroupsPolicy, expected) => {
  const securityContext = { supplementalGroups: [7], ...(supplementalGroupsPolicy && { supplementalGroupsPolicy }) };
  const one: Pod = { ...pod, spec: { ...pod.spec, securityContext } };
  expect(containerConfig(one, { name: 'c' }, input).linux?.securityContext).toMatchObject({
    supplementalGroups: [7],
    supplementalGroupsPolicy: expected,
  });
});

test('a pod of its own users is refused', () => {
  const dns = { servers: [], searches: [], options: [] };
  const sandbox = { attempt: 0, logRoot: '/log', cgroupParent: '/p', dns, domain: 'cluster.local' };
  expect(() => sandboxConfig({ ...pod, spec: { ...pod.spec, hostUsers: false } }, sandbox)).toThrow(
    "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
  );
});
