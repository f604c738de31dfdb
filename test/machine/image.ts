// What the emulated machine boots: Debian's cloud kernel, and an initramfs of unpacked Debian packages and the agent.
// Nothing is installed on the machine that runs the tests.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository, shared } from '../fixtures/portico-process.ts';

export interface Image {
  readonly kernel: string;
  readonly initramfs: string;
}

/** `ipvs` is a node of kube-proxy's IPVS mode, `containers` one that runs containers under cgroup v2. */
export type ImageKind = 'ipvs' | 'containers';

interface Recipe {
  readonly packages: readonly string[];
  /** Folders of the kernel's modules, and single ones. */
  readonly modules: readonly string[];
  /** Modules that are loaded at boot. */
  readonly loaded: readonly string[];
}

const kernelPackage = 'linux-image-cloud-amd64';
const recipes: Readonly<Record<ImageKind, Recipe>> = {
  // The programs that a node of the IPVS mode has, and Python for the agent and the packet lab.
  ipvs: {
    packages: [
      'busybox-static',
      'conntrack',
      'dash',
      'ipset',
      'iproute2',
      'iptables',
      'ipvsadm',
      'kmod',
      'netbase',
      'nftables',
      'procps',
      'python3-yaml',
      'util-linux',
    ],
    // All that the network of a node may ask for, and what those modules use.
    modules: ['net', 'lib', 'crypto', 'drivers/net/dummy.ko', 'drivers/net/veth.ko'],
    // Autoloading works, too; IPVS itself is what a node's administrator has to see to.
    loaded: ['ip_vs', 'dummy', 'veth', 'nf_conntrack_netlink'],
  },
  containers: {
    packages: ['busybox-static', 'containerd', 'kmod', 'python3', 'runc'],
    modules: ['fs/overlayfs'],
    loaded: ['overlay'],
  },
};
/** Named by the packages above, and used by nothing in here. */
const unneeded = /^(perl|libperl|gcc-|dpkg$|debconf|cdebconf|libdebian-installer)/;
const unneededFolders = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'usr/lib/python3.11/test',
];

const cache = join(repository, 'node_modules/.cache/emulated-machine');

function run(command: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): string {
  const [program = '', ...args] = command;
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    ...options,
  });
}

/** The names of the packages and of all that they depend on. */
function closureOf(names: readonly string[]): string[] {
  const kinds = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
  const lines = run(['apt-cache', 'depends', '--recurse', ...kinds, ...names]).split('\n');
  return [...new Set(lines.filter((line) => /^[a-z0-9]/.test(line)))].filter((name) => !unneeded.test(name)).sort();
}

function kernelPackageName(): string {
  const found = /Depends: (linux-image-\S+)/.exec(run(['apt-cache', 'depends', kernelPackage]));
  if (!found?.[1]) throw new Error(`${kernelPackage} depends on no kernel`);
  return found[1];
}

/** Package lists may be missing, or name versions that are gone: then they are fetched, and it is tried once more. */
function withPackageLists<T>(work: () => T): T {
  try {
    return work();
  } catch {
    run(['apt-get', 'update', '-qq']);
    return work();
  }
}

/** Why no such machine can be had here, in one line; undefined when it can. */
export function unavailable(kind: ImageKind): string | undefined {
  if (process.arch !== 'x64') return `no emulated machine for ${process.arch}`;
  try {
    run(['qemu-system-x86_64', '--version']);
  } catch {
    return 'no qemu-system-x86_64: install Debian’s qemu-system-x86';
  }
  try {
    withPackageLists(kernelPackageName);
  } catch {
    return `Debian’s package ${kernelPackage} cannot be had here`;
  }
  return kind === 'containers' || existsSync(join(shared, 'proxy-lab')) ? undefined : 'no ../shared/proxy-lab';
}

/** Downloads the packages into a folder of their own and unpacks them; nothing of them is run. */
function unpack(names: readonly string[], into: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'portico-debs-'));
  try {
    run(['apt-get', 'download', '-qq', '-o', 'APT::Sandbox::User=root', ...names], { cwd: folder });
    for (const file of readdirSync(folder)) run(['dpkg-deb', '-x', join(folder, file), into]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What dpkg's own scripts would have linked. */
function linkAlternatives(root: string): void {
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) {
      symlinkSync('xtables-nft-multi', join(root, 'usr/sbin', `${family}${suffix}`));
    }
  }
}

function addKernelModules(kernelRoot: string, root: string, { modules, loaded }: Recipe): void {
  const [release = ''] = readdirSync(join(kernelRoot, 'lib/modules'));
  const [from, to] = [kernelRoot, root].map((base) => join(base, 'lib/modules', release));
  for (const path of modules) cpSync(join(from!, 'kernel', path), join(to!, 'kernel', path), { recursive: true });
  for (const list of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    cpSync(join(from!, list), join(to!, list));
  }
  run(['chroot', root, '/sbin/depmod', '-a', release]);
  writeFileSync(join(root, 'loaded-modules'), `${loaded.join(' ')}\n`);
}

function archive(root: string, file: string): void {
  run(['sh', '-c', `find . | busybox cpio -o -H newc > '${file}'`], { cwd: root });
}

/** The part that changes with Debian only: made once, and kept. */
function baseImage(kind: ImageKind): Image {
  const kernelName = kernelPackageName();
  const version = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cache, `${kind}-${kernelName}-${version}`);
  const image = { kernel: join(folder, 'vmlinuz'), initramfs: join(folder, 'base.cpio') };
  if (existsSync(folder)) return image;
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(join(cache, 'making-'));
  try {
    const [kernelRoot, root] = [join(making, 'kernel-package'), join(making, 'root')];
    withPackageLists(() => unpack([kernelName], kernelRoot));
    withPackageLists(() => unpack(closureOf(recipes[kind].packages), root));
    for (const unwanted of unneededFolders) rmSync(join(root, unwanted), { recursive: true, force: true });
    if (kind === 'ipvs') linkAlternatives(root);
    addKernelModules(kernelRoot, root, recipes[kind]);
    for (const folder of ['dev', 'proc', 'run', 'sys', 'tmp', 'usr/local/bin']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    archive(root, join(making, 'base.cpio'));
    const [kernel = ''] = readdirSync(join(kernelRoot, 'boot')).filter((name) => name.startsWith('vmlinuz'));
    cpSync(join(kernelRoot, 'boot', kernel), join(making, 'vmlinuz'));
    for (const done of [kernelRoot, root]) rmSync(done, { recursive: true });
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
  return image;
}

/** What the machine runs of this repository, beside the lab's description of the network. */
function addAgent(root: string, kind: ImageKind): void {
  for (const name of ['init', 'agent.py']) cpSync(join(import.meta.dirname, name), join(root, name));
  if (kind !== 'ipvs') return;
  cpSync(join(import.meta.dirname, 'lab_network.py'), join(root, 'lab_network.py'));
  cpSync(join(shared, 'proxy-lab/lab.py'), join(root, 'lab.py'));
}

export interface ImageOptions {
  readonly kind: ImageKind;
  /** Files of this machine that the emulated one has in its root, by their names there. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Makes the image in a folder that the caller removes. Throws with the package manager's words when it gave none. */
export function makeImage(folder: string, { kind, files = {} }: ImageOptions): Image {
  const base = baseImage(kind);
  const root = join(folder, 'root');
  mkdirSync(root);
  addAgent(root, kind);
  for (const [name, path] of Object.entries(files)) cpSync(path, join(root, name));
  const agent = join(folder, 'agent.cpio');
  archive(root, agent);
  // The kernel unpacks archives that follow each other one after another.
  const initramfs = join(folder, 'initramfs.cpio');
  run(['sh', '-c', `cat '${base.initramfs}' '${agent}' > '${initramfs}'`]);
  return { kernel: base.kernel, initramfs };
}
