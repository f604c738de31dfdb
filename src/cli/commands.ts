// Every command of the program with its line in the help. A command's file is loaded only when it is the one asked for,
// so that no command pays for the imports of another.
import type { CliCommand } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CliCommand>;
}

export const commands: readonly CommandEntry[] = [
  { name: 'up', summary: 'start a cluster on this machine', load: () => import('./up.ts') },
  { name: 'down', summary: 'remove every trace of a cluster', load: () => import('./down.ts') },
  { name: 'status', summary: 'show parts, nodes, addresses, health and memory', load: () => import('./status.ts') },
  { name: 'kubectl', summary: "run kubectl with the cluster's kubeconfig", load: () => import('./kubectl.ts') },
  { name: 'image', summary: 'put image archives on every node', load: () => import('./image.ts') },
  { name: 'images', summary: 'list the images of the nodes', load: () => import('./images.ts') },
  {
    name: 'token',
    summary: 'make, list and delete tokens with which further machines join',
    load: () => import('./token.ts'),
  },
  { name: 'kubeconfig', summary: "print the administrator's kubeconfig", load: () => import('./kubeconfig.ts') },
  { name: 'server', summary: 'run the control plane alone, in the foreground', load: () => import('./server.ts') },
  { name: 'agent', summary: 'run one node: kubelet, proxy, DNS and pod network', load: () => import('./agent.ts') },
  { name: 'dns', summary: 'run cluster DNS alone, beside any API server', load: () => import('./dns.ts') },
  { name: 'proxy', summary: 'run kube-proxy alone, beside any API server', load: () => import('./proxy.ts') },
  { name: 'rules', summary: 'print what would be loaded into the kernel of a node', load: () => import('./rules.ts') },
  { name: 'trace', summary: 'say why a packet goes where it goes', load: () => import('./trace.ts') },
  { name: 'plan', summary: 'say what an apply would do to the network', load: () => import('./plan.ts') },
  { name: 'ui', summary: 'print a link to the page that shows it all', load: () => import('./ui.ts') },
  { name: 'test', summary: 'from a checkout: run every test', load: () => import('./test.ts') },
  { name: 'precompile', summary: 'load every source once, for faster starts', load: () => import('./precompile.ts') },
  { name: 'version', summary: 'print the version', load: () => import('./version.ts') },
];
