import { readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { createClient } from '../client/rest-client.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';

/** A client with the rights of the kubeconfig at `path`. */
export async function adminClient(
  path: string,
  tools: { readonly files: Files; readonly clock: Clock; readonly exec?: Exec },
): Promise<Client> {
  return createClient(transportOf(await readKubeconfig(path, tools), { ...tools, userAgent: 'portico' }));
}
