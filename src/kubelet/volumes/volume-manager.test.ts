import { readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type {
  ConfigMap,
  Container,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  Secret,
} from '../../api/core/v1/types.generated.ts';
import { FakeExec } from '../../system/fake/exec.ts';
import { memorySize, type PodVolumes, VolumeManager } from './volume-manager.ts';

let rootDir: string;
let exec: FakeExec;
beforeEach(async () => {
  rootDir = await mkdtemp(join(tmpdir(), 'volumes-'));
  exec = new FakeExec();
});
afterEach(() => rm(rootDir, { recursive: true, force: true }));

/** Sets up the volumes of a pod as an agent does that was just started. */
function setUp(
  spec: Partial<PodSpec>,
  data: Record<string, string> = {},
  there: { volume?: PersistentVolume; claim?: PersistentVolumeClaim; mounted?: PodVolumes } = {},
) {
  const configMap = async (name: string): Promise<ConfigMap> => ({ metadata: { name }, data });
  const sources = {
    configMap,
    secret: async (name: string): Promise<Secret> => ({ metadata: { name }, data: { a: 'YQ==' } }),
    claim: async () => there.claim,
    volume: async () => there.volume,
    token: async () => '',
  };
  const addresses = { podIPs: [], hostIPs: [], allocatable: {} };
  const pod: Pod = { metadata: { name: 'p', uid: 'u' }, spec: { containers: [{ name: 'c' }], ...spec } };
  return new VolumeManager({ exec, rootDir }).setUp(pod, { ...sources, ...addresses }, there.mounted);
}

test('a volume in memory is mounted though its folder is there: after a boot, the folder is all that is left', async () => {
  const volumes = [{ name: 'v', emptyDir: { medium: 'Memory' } }];
  const path = join(rootDir, 'pods/u/volumes/kubernetes.io~empty-dir/v');
  await mkdir(path, { recursive: true });
  const { paths } = await setUp({ volumes });
  expect(paths.get('v')).toBe(path);
  await setUp({ volumes, securityContext: { fsGroup: 5 } });
  const mount = (how: string) => ['mount', '-t', 'tmpfs', '-o', how, 'tmpfs', path];
  expect(exec.commands.map(({ command }) => command)).toEqual([mount('mode=0777'), mount('mode=2777,gid=5')]);
});

test('what may hold a secret is in memory before it is written, and never on disk', async () => {
  const folder = join(rootDir, 'pods/u/volumes');
  const mounts = () => exec.commands.map(({ command }) => command.at(-1));
  const fieldRef = { fieldPath: 'metadata.name' };
  const volumes = [
    { name: 'c', configMap: { name: 'm' } },
    { name: 's', secret: { secretName: 's' } },
    { name: 'p', projected: { sources: [{ downwardAPI: { items: [{ path: 'a', fieldRef }] } }] } },
    { name: 'd', downwardAPI: { items: [{ path: 'a', fieldRef }] } },
  ];
  const seen: string[] = [];
  exec = new FakeExec(({ command }) => {
    seen.push(...readdirSync(command.at(-1)!));
    return {};
  });
  await setUp({ volumes });
  expect(mounts().toSorted()).toEqual(
    ['downward-api/d', 'projected/p', 'secret/s'].map((v) => `${folder}/kubernetes.io~${v}`),
  );
  expect(seen).toEqual([]);
  // What is written again stands where it stood.
  await setUp({ volumes });
  expect(mounts()).toHaveLength(3);
});

test('only the content of the API is looked at again: what a pod made of its own volumes stays as it is', async () => {
  const path = join(rootDir, 'data');
  await mkdir(path);
  await chmod(path, 0o755);
  const volume: PersistentVolume = {
    metadata: { name: 'pv' },
    spec: { local: { path }, claimRef: { uid: 'claim' } },
  };
  const claim: PersistentVolumeClaim = {
    metadata: { name: 'c', uid: 'claim' },
    spec: { volumeName: 'pv' },
    status: { phase: 'Bound' },
  };
  const spec = {
    securityContext: { fsGroup: process.getgid?.() ?? 0 },
    volumes: [
      { name: 'v', persistentVolumeClaim: { claimName: 'c' } },
      { name: 'm', configMap: { name: 'm' } },
    ],
  };
  const mounted = await setUp(spec, { a: '1' }, { volume, claim });
  expect((await stat(path)).mode & 0o7777).toBe(0o2775);
  await chmod(path, 0o700);
  expect(await setUp(spec, { a: '2' }, { mounted })).toEqual(mounted);
  expect((await stat(path)).mode & 0o7777).toBe(0o700);
  expect(await readFile(join(mounted.paths.get('m') ?? '', 'a'), 'utf8')).toBe('2');
});

test('a volume of files is made whole, wherever the agent before was killed while it wrote', async () => {
  const volumes = [{ name: 'v', configMap: { name: 'm' } }];
  const path = join(rootDir, 'pods/u/volumes/kubernetes.io~configmap/v');
  await setUp({ volumes }, { a: '1', b: '2' });
  const files = ['..data', 'a', 'b', expect.stringMatching(/^\.\.\d+$/)];
  const written = () => readdir(path).then((names) => names.filter((name) => !/^\.\.\d/.test(name)).sort());
  expect(await written()).toEqual(['..data', 'a', 'b']);
  // After `..data` was swapped, before the names were made and taken away.
  await rm(join(path, 'b'));
  await symlink('..data/gone', join(path, 'gone'));
  await setUp({ volumes }, { a: '1', b: '2' });
  expect(await written()).toEqual(['..data', 'a', 'b']);
  // Between the new files and the swap.
  await mkdir(join(path, '..1'));
  await symlink('..1', join(path, '..1.draft'));
  await setUp({ volumes }, { a: '3', b: '2' });
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('3');
  expect((await readdir(path)).sort()).toEqual(expect.arrayContaining(files));
  expect(await readdir(path)).toHaveLength(files.length);
});

test('a volume in memory is as large as the node, the pod and itself allow', () => {
  const limited = (memory: string): Container => ({ name: 'c', resources: { limits: { memory } } });
  const pod = (...containers: Container[]): Pod => ({ metadata: { name: 'p' }, spec: { containers } });
  const allocatable = { memory: '4Ki' };
  const size = (p: Pod, sizeLimit?: string) => memorySize(p, sizeLimit === undefined ? {} : { sizeLimit }, allocatable);
  expect(size(pod({ name: 'c' }))).toBe(4096);
  expect(size(pod(limited('1Ki'), limited('2Ki')))).toBe(3072);
  expect(size(pod(limited('1Ki'), { name: 'd' }))).toBe(4096);
  expect(size(pod(limited('2Ki')), '1Ki')).toBe(1024);
  expect(size(pod(limited('2Ki')), '3Ki')).toBe(2048);
  expect(memorySize(pod({ name: 'c' }), {}, {})).toBeUndefined();
});
