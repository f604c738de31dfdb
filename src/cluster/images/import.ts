// Images of a node, through containerd's own client program.
import type { Exec } from '../../system/exec.ts';
import { Failure } from '../failure.ts';
import type { NodePaths } from '../layout.ts';
import { busyboxImage, echoImage, pauseImage } from './built-in.ts';

/** The namespace in which the kubelet's containerd keeps its images. */
const ctr = (paths: NodePaths, ...command: string[]): string[] => [
  'ctr',
  '--address',
  paths.containerdSocket,
  '--namespace',
  'k8s.io',
  ...command,
];

/** References of the images on a node, without those that are a bare digest. */
export async function listImages(exec: Exec, paths: NodePaths): Promise<string[]> {
  const { code, stdout, stderr } = await exec.run(ctr(paths, 'images', 'list', '--quiet'));
  if (code !== 0) throw new Failure(`listing images failed: ${stderr.trim().split('\n').at(-1)}`);
  return stdout
    .split('\n')
    .filter((name) => name && !name.startsWith('sha256:'))
    .sort();
}

/** Those of Portico's own images that the node lacks. */
export async function missingImages(exec: Exec, paths: NodePaths): Promise<string[]> {
  const present = new Set(await listImages(exec, paths));
  return [pauseImage, busyboxImage, echoImage].filter((name) => !present.has(name));
}

/** Imports an OCI or docker archive into a node and returns what it brought. `plain`: the archive unpacked. */
export async function importImages(exec: Exec, paths: NodePaths, archive: string, plain = archive): Promise<string[]> {
  const { code, stdout, stderr } = await exec.run(ctr(paths, 'images', 'import', plain));
  if (code !== 0) throw new Failure(`${archive} could not be imported: ${stderr.trim().split('\n').at(-1)}`);
  return [...stdout.matchAll(/^unpacking (\S+)/gm)].map((m) => m[1] ?? '');
}
