// Runs a command with a cluster of its own, found by KUBECONFIG, and ends as it ends:
//
//   node with-cluster.js go test ./...
//   node with-cluster.js sh deployment.sh
//
// Tests written for envtest (controller-runtime) take it as it is: USE_EXISTING_CLUSTER says so to them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { startCluster } from 'portico/testing';

const [program, ...args] = process.argv.slice(2);
if (!program) throw new Error('usage: node with-cluster.js COMMAND [ARGUMENTS]');

const cluster = await startCluster({ nodes: 3 });
const env = { ...process.env, KUBECONFIG: cluster.kubeconfigPath, USE_EXISTING_CLUSTER: 'true' };
// Ctrl-C reaches the command as well; who asks only this program to end asks the command by it. The cluster ends after it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill());
const child = spawn(program, args, { stdio: 'inherit', env });
try {
  const [code, signal] = await once(child, 'close');
  process.exitCode = code ?? 128 + constants.signals[signal];
} finally {
  await cluster.stop();
}
