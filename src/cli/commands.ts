// Every command of the program with its line in the help. A command's file is loaded only when it is the one asked for,
// so that no command pays for the imports of another.
import type { CliCommand } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CliCommand>;
}

export const commands: readonly CommandEntry[] = [
  { name: 'dns', summary: 'cluster DNS alone, beside any Kubernetes API server', load: () => import('./dns.ts') },
  { name: 'kubectl', summary: "run kubectl with the cluster's kubeconfig", load: () => import('./kubectl.ts') },
  { name: 'rules', summary: "print a node's rules, from manifests and without root", load: () => import('./rules.ts') },
  { name: 'version', summary: 'print the version', load: () => import('./version.ts') },
];
