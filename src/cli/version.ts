import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { kubernetesVersion as release } from '../apiserver/version.ts';
import { addOutputOption } from './cluster-options.ts';

/** The Kubernetes version whose behaviour Portico follows. */
export const kubernetesVersion = `v${release}`;

/** The package's own version, from its package.json. */
export function porticoVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return version;
}

export function register(command: Command): void {
  addOutputOption(command).action(({ output }: { output?: string }) => {
    const facts = { portico: porticoVersion(), kubernetes: kubernetesVersion, node: process.version };
    if (output === 'json') console.log(JSON.stringify(facts, null, 2));
    else console.log(`portico ${facts.portico} (Kubernetes ${facts.kubernetes}, Node.js ${facts.node})`);
  });
}
