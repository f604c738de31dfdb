// Whose a data folder is. Two clusters over one folder would write the same objects and images, and `down --purge` removes a
// folder with all that is in it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from '../system/files.ts';
import { Failure } from './failure.ts';
import type { ClusterRecord } from './layout.ts';
import { type ClusterName, foreignFile, runningDataDir } from './record.ts';

/** Fails when the cluster of this name runs with its data elsewhere; says what to do about it. */
export async function requireDataOfRunning(
  files: Files,
  { name, dataDir }: Required<ClusterName>,
  remedy: string,
): Promise<void> {
  const running = await runningDataDir(files, name);
  if (running === undefined || running === dataDir) return;
  throw new Failure(`the cluster ${name} runs with its data in ${running}; ${remedy}`);
}

/** Fails when the folder's record is that of a cluster of another name, which may be running. */
export function requireDataOf(record: Pick<ClusterRecord, 'name'> | undefined, cluster: Required<ClusterName>): void {
  if (record === undefined || record.name === cluster.name) return;
  throw new Failure(
    `${cluster.dataDir} holds the data of the cluster ${record.name}; choose another --data-dir, or --name ${record.name}`,
  );
}

/**
 * Fails when `down --purge` would remove what is neither this cluster's nor an agent's. Data of another version, and a record
 * that is damaged, may go.
 */
export async function requirePurgeable(files: Files, cluster: Required<ClusterName>): Promise<void> {
  const { dataDir } = cluster;
  requireDataOf(readable(await files.read(join(dataDir, 'cluster.json'))), cluster);
  if (['cluster.json', 'version', 'pki/ca.crt'].some((mark) => existsSync(join(dataDir, mark)))) return;
  const foreign = await foreignFile(dataDir);
  if (foreign === undefined) return;
  throw new Failure(`${dataDir} holds something that is not Portico's (${foreign}): nothing was removed`);
}

function readable(text: string | undefined): Pick<ClusterRecord, 'name'> | undefined {
  try {
    const record = JSON.parse(text ?? 'null') as Partial<ClusterRecord> | null;
    return record?.name === undefined ? undefined : { name: record.name };
  } catch {
    return undefined; // damaged: nobody's any more
  }
}
