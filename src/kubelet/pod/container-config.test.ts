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
  mountsRecursively: true,
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

const readOnly = { name: 'v', mountPath: '/v', readOnly: true };

test.each([
  [readOnly, true, false],
  [{ ...readOnly, recursiveReadOnly: 'Disabled' }, true, false],
  [{ ...readOnly, recursiveReadOnly: 'IfPossible' }, false, false],
  [{ ...readOnly, recursiveReadOnly: 'IfPossible' }, true, true],
  [{ ...readOnly, recursiveReadOnly: 'Enabled' }, true, true],
  [{ ...readOnly, recursiveReadOnly: 'Enabled', mountPropagation: 'None' }, true, true],
  [{ ...readOnly, recursiveReadOnly: 'Enabled' }, false, 'not supported by the runtime'],
  [{ ...readOnly, readOnly: false, recursiveReadOnly: 'Enabled' }, true, 'not read-only'],
  [
    { ...readOnly, recursiveReadOnly: 'IfPossible', mountPropagation: 'HostToContainer' },
    true,
    'not compatible with propagation "HostToContainer"',
  ],
])(
  'the mount %j under a runtime that can (%j) is read-only with all that is mounted in it: %j',
  (mount, mountsRecursively, expected) => {
    const made = () => containerConfig(pod, { name: 'c', volumeMounts: [mount] }, { ...input, mountsRecursively });
    if (typeof expected === 'boolean')
      expect(made().mounts?.[0]).toMatchObject({ readonly: true, recursiveReadOnly: expected });
    else expect(made).toThrow(`volume "v" requested recursive read-only mode, but it is ${expected}`);
  },
);

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

test('a pod with users of its own has them in its sandbox, its containers and all that is mounted in these', () => {
  const dns = { servers: [], searches: [], options: [] };
  const sandbox = { attempt: 0, logRoot: '/log', cgroupParent: '/p', dns, domain: 'cluster.local' };
  const users = { hostId: 131_072, containerId: 0, length: 65_536 };
  const usernsOptions = { mode: 0, uids: [users], gids: [users] };
  const own = sandboxConfig(pod, { ...sandbox, users }).linux?.securityContext?.namespaceOptions;
  expect(own).toEqual({ network: 0, pid: 1, ipc: 0, usernsOptions });
  expect(sandboxConfig(pod, sandbox).linux?.securityContext?.namespaceOptions).toEqual({ network: 0, pid: 1, ipc: 0 });
  const { linux, mounts } = containerConfig(pod, { name: 'c', volumeMounts: [readOnly] }, { ...input, users });
  expect(linux?.securityContext?.namespaceOptions).toEqual({ network: 0, pid: 1, ipc: 0, usernsOptions });
  expect(mounts).toHaveLength(3);
  for (const mount of mounts ?? []) expect(mount).toMatchObject({ uidMappings: [users], gidMappings: [users] });
});

test('a container that looks at another sees its processes, and has its pod’s users', () => {
  const users = { hostId: 65_536, containerId: 0, length: 65_536 };
  const { linux } = containerConfig(pod, { name: 'c' }, { ...input, users, targetId: 'other' });
  expect(linux?.securityContext?.namespaceOptions).toMatchObject({
    pid: 3,
    targetId: 'other',
    usernsOptions: { mode: 0, uids: [users] },
  });
});

test('a container ends by the signal that it names, or by its image’s', () => {
  const signal = (container: Container) => containerConfig(pod, container, input).stopSignal;
  expect(signal({ name: 'c', lifecycle: { stopSignal: 'SIGUSR1' } })).toBe(29);
  expect(signal({ name: 'c' })).toBe(0);
});
