// A node that runs containers on the emulated machine: Debian's containerd and runc under cgroup v2. The kubelet's code
// runs in the test's process; its CRI calls go over a serial line.
import { builtInArchive, pauseImage } from '../../src/cluster/images/built-in.ts';
import { type Cri, criClient } from '../../src/kubelet/cri/client.ts';
import { cgroupMount } from '../../src/kubelet/pod/cgroups.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { Machine } from './machine.ts';

const socketPath = '/run/containerd/containerd.sock';
const imageArchive = 'images.tar';

/** Nothing pivots from the kernel's first root: runc moves the container's root over it instead. */
const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      NoPivotRoot = true
`;

const setUp = `
mount -t cgroup2 none ${cgroupMount}
echo '+cpu +memory +pids' > ${cgroupMount}/cgroup.subtree_control
mkdir -p /etc /var/lib/containerd
touch /etc/hosts /etc/resolv.conf
mount -t tmpfs none /var/lib/containerd
cat > /etc/containerd.toml
containerd --config /etc/containerd.toml --log-level warn > /tmp/containerd.log 2>&1 &
until ctr version > /dev/null 2>&1; do
  kill -0 $! || { cat /tmp/containerd.log; exit 1; }
  sleep 1
done
ctr --namespace k8s.io images import /${imageArchive}
`;

export class ContainerNode {
  readonly cri: Cri;
  readonly #machine: Machine;

  private constructor(machine: Machine) {
    this.#machine = machine;
    this.cri = criClient(machine.bridgeSocket);
  }

  /** Boots one; resolves when its containerd has Portico's images. */
  static async boot(): Promise<ContainerNode> {
    const archive = await builtInArchive({ exec: realExec, files: realFiles, folder: '/tmp/portico-test-images' });
    const node = new ContainerNode(await Machine.boot({ kind: 'containers', files: { [imageArchive]: archive } }));
    try {
      await node.output(['sh', '-ec', setUp], containerdConfig);
      await node.#machine.call('bridge', { path: socketPath });
    } catch (error) {
      node.close();
      throw error;
    }
    return node;
  }

  /** Output of a program on the node; rejects with all that it said when it fails. */
  async output(command: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.#machine.exec().run(command, { input });
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  close(): void {
    this.cri.close();
    this.#machine.close();
  }
}
