// How what runs beside a cluster reaches its API server.
import { type ClusterAccess, inClusterAccess, readKubeconfig } from '../client/kubeconfig.ts';
import { realFiles } from '../system/real/files.ts';
import { usage } from './flag-values.ts';

/** By the kubeconfig, or without one, in a pod, by its service account. Fails in the name of the command where there is neither. */
export async function clusterAccess(command: string, kubeconfig: string | undefined): Promise<ClusterAccess> {
  if (kubeconfig) return readKubeconfig(kubeconfig, { files: realFiles });
  if (process.env.KUBERNETES_SERVICE_HOST !== undefined) return inClusterAccess(process.env, realFiles);
  throw usage(`${command}: say how to reach the API server with --kubeconfig FILE`);
}
