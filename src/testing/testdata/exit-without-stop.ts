// Says how many folders its cluster has, and ends while the cluster runs.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { startCluster } from '../index.ts';

if (!import.meta.main) throw new Error('this is a program, not a module');

await startCluster({ nodes: 0 });
process.stdout.write(`${readdirSync(tmpdir()).filter((name) => name.startsWith('portico-testing-')).length} in ${tmpdir()}`);
process.exit(3);
