import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Node, NodeRuntimeHandler, Pod } from '../../api/core/v1/types.generated.ts';
import { ContainerStarter } from './container-starter.ts';
import type { PodContext } from './pod-context.ts';
import { UserNamespaces } from './user-namespaces.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'portico-starter-'));
});
afterEach(() => rm(root, { recursive: true }));

/** On a node whose runtime has these handlers; every pod's RuntimeClass is of `handler`. */
function starter(runtimeHandlers: NodeRuntimeHandler[] | undefined, handler: string): ContainerStarter {
  const node: Node = { metadata: { name: 'n' }, spec: {}, status: runtimeHandlers ? { runtimeHandlers } : {} };
  return new ContainerStarter({
    options: { nodeName: 'n', cgroupRoot: '/portico' },
    logRoot: '/log',
    dns: async () => ({ servers: [], domain: 'cluster.local', node: { servers: [], searches: [], options: [] } }),
    nodes: { get: (name: string) => (name === 'n' ? node : undefined) },
    sources: { of: () => ({ runtimeHandler: async () => handler }) },
    userNamespaces: new UserNamespaces({ podDir: (uid) => join(root, uid), known: () => readdir(root) }),
  } as unknown as PodContext);
}

const pod = (hostUsers?: boolean): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [], dnsPolicy: 'Default', ...(hostUsers !== undefined && { hostUsers }) },
});

/** As containerd 2.1.9 says of runc 1.3.6. */
const recorded = ['', 'runc'].map((name) => ({
  name,
  features: { recursiveReadOnlyMounts: true, userNamespaces: true },
}));

const usersOf = async (starter: ContainerStarter, one: Pod) =>
  (await starter.sandboxConfig(one, 0)).linux?.securityContext?.namespaceOptions?.usernsOptions;

test.each(['', 'runc'])(
  'a pod that wants users of its own gets them from the handler %j, and keeps them',
  async (handler) => {
    const ids = [{ hostId: 65_536, containerId: 0, length: 65_536 }];
    expect(await usersOf(starter(recorded, handler), pod(false))).toEqual({ mode: 0, uids: ids, gids: ids });
    // Of an agent that is started anew the Node may not be known yet.
    expect(await usersOf(starter(undefined, handler), pod(false))).toEqual({ mode: 0, uids: ids, gids: ids });
  },
);

test('a pod that does not want users of its own has the node’s, whatever the runtime can', async () => {
  for (const hostUsers of [undefined, true])
    expect(await usersOf(starter(recorded, ''), pod(hostUsers))).toBeUndefined();
  expect(await readdir(root)).toEqual([]);
});

test.each([
  [undefined, '', 'runtime does not support user namespaces: the handler "" is not known'],
  [[{ name: '', features: { userNamespaces: false } }], '', 'runtime does not support user namespaces'],
  [[{ name: '' }], '', 'runtime does not support user namespaces'],
  [
    [...recorded, { name: 'kata', features: { userNamespaces: false } }],
    'kata',
    'RuntimeClass handler "kata" does not support user namespaces',
  ],
  [recorded, 'kata', 'RuntimeClass handler "kata" does not support user namespaces: the handler "kata" is not known'],
])('of handlers %j the one named %j is refused: %s', async (handlers, handler, why) => {
  const message = `can't set \`spec.hostUsers: false\`, ${why}`;
  await expect(usersOf(starter(handlers, handler), pod(false))).rejects.toThrow(new Error(message));
  expect(await readdir(root)).toEqual([]);
});
