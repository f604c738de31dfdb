// Runs a command with a cluster of its own, found by KUBECONFIG, and ends as it ends:
//
//   node with-cluster.js go test ./...
//   node with-cluster.js sh deployment.sh
//
// Tests written for envtest (controller-runtime) take it as it is: USE_EXISTING_CLUSTER says so to them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startCluster } from 'portico/testing';

const [program, ...args] = process.argv.slice(2);
if (!program) throw new Error('usage: node with-cluster.js COMMAND [ARGUMENTS]');

const cluster = await startCluster({ nodes: 3 });
const env = { ...process.env, KUBECONFIG: cluster.kubeconfigPath, USE_EXISTING_CLUSTER: 'true' };
const child = spawn(program, args, { stdio: 'inherit', env });
try {
  const [code] = await once(child, 'close');
  process.exitCode = code ?? 1;
} finally {
  await cluster.stop();
}
