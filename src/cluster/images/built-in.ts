// The images that Portico makes itself, from a static busybox, so that a machine needs no registry. They are one layer under
// three configurations.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Exec } from '../../system/exec.ts';
import type { Files } from '../../system/files.ts';
import { Failure } from '../failure.ts';
import { type ImageConfig, ociArchive } from './oci-archive.ts';
import type { TarEntry } from './tar.ts';

export const pauseImage = 'portico.local/pause:1';
export const busyboxImage = 'portico.local/busybox:1';
export const echoImage = 'portico.local/echo:1';

const images: readonly ImageConfig[] = [
  // Process 1 of a sandbox only holds its namespaces; the runtime ends it with SIGKILL.
  { reference: pauseImage, entrypoint: ['/bin/sleep', '2147483647'] },
  { reference: busyboxImage, cmd: ['sh'] },
  { reference: echoImage, entrypoint: ['/bin/echo-server'], exposedPorts: ['80/tcp'] },
];

/**
 * Serves port 80 (or $PORT) until it is told to end. Process 1 gets only the signals it asks for, hence the trap. The
 * kubelet's /etc/hosts tells a pod's address; busybox's `hostname -i` knows none of IPv6.
 */
const echoServerScript = `#!/bin/sh
: "\${POD_NAME:=$(hostname)}"
: "\${POD_IP:=$(awk -v name="$(hostname)" '{ for (i = 2; i <= NF; i++) if ($i == name) { print $1; exit } }' /etc/hosts)}"
: "\${POD_IP:=$(hostname -i)}"
export POD_NAME POD_IP
httpd -f -p "\${PORT:-80}" -h /www &
server=$!
trap 'kill $server; exit 0' TERM INT
wait $server
`;

/** Answers any request with one line: the pod's name, its IP and the address that the request came from. */
const echoScript = `#!/bin/sh
from=\${REMOTE_ADDR#[}
from=\${from%]}
printf 'Content-Type: text/plain\\r\\n\\r\\n%s %s sees %s\\n' "$POD_NAME" "\${POD_IP%% *}" "\${from#::ffff:}"
`;

async function layer(exec: Exec, busybox: Buffer, program: string): Promise<TarEntry[]> {
  const { stdout } = await exec.run([program, '--list']);
  const applets = stdout.split('\n').filter((name) => name && name !== 'busybox');
  const file = (path: string, text: string, mode = 0o644): TarEntry => ({
    path,
    type: 'file',
    data: Buffer.from(text),
    mode,
  });
  const folder = (path: string, mode = 0o755): TarEntry => ({ path, type: 'folder', mode });
  return [
    ...['bin/', 'etc/', 'root/', 'www/', 'www/cgi-bin/', 'var/', 'usr/', 'usr/bin/', 'sbin/'].map((path) =>
      folder(path),
    ),
    folder('tmp/', 0o1777),
    { path: 'bin/busybox', type: 'file', data: busybox, mode: 0o755 },
    ...applets.map((name): TarEntry => ({ path: `bin/${name}`, type: 'symlink', target: '/bin/busybox' })),
    file('bin/echo-server', echoServerScript, 0o755),
    file('www/cgi-bin/index.cgi', echoScript, 0o755),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    file('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    file('etc/nsswitch.conf', 'hosts: files dns\n'),
  ];
}

async function findBusybox(path: string): Promise<string> {
  for (const folder of path.split(':')) {
    const candidate = join(folder, 'busybox');
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  throw new Failure('needs busybox (Debian: busybox-static) to build its images; install it and try again');
}

/** The archive of Portico's own images, built when missing or when busybox changed. Returns its path. */
export async function builtInArchive(tools: {
  readonly exec: Exec;
  readonly files: Files;
  readonly folder: string;
}): Promise<string> {
  const program = await findBusybox(process.env.PATH ?? '');
  const busybox = await readFile(program);
  // The interpreter segment of a dynamically linked program; such a busybox would not run in an image of its own.
  if (busybox.subarray(0, 4096).includes('/ld-linux')) {
    throw new Failure(`${program} is not statically linked; install busybox-static (Debian) and try again`);
  }
  const scripts = echoServerScript + echoScript + JSON.stringify(images);
  const key = createHash('sha256').update(busybox).update(scripts).digest('hex').slice(0, 16);
  const path = join(tools.folder, `portico-${key}.tar`);
  if (await stat(path).catch(() => undefined)) return path;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const archive = ociArchive(await layer(tools.exec, busybox, program), images, architecture);
  try {
    await mkdir(tools.folder, { recursive: true });
    await writeFile(`${path}.new`, archive);
    await rename(`${path}.new`, path);
  } catch (error) {
    throw new Failure(`cannot write ${path}: ${errorMessage(error)}`, { cause: error });
  }
  return path;
}
