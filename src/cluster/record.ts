// The record of a cluster on disk: in its data folder (survives `down`) and in its run folder (says where the data is).
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { Files } from '../system/files.ts';
import { Failure } from './failure.ts';
import { type ClusterPaths, type ClusterRecord, clusterPaths, dataRoot, dataVersion, runRoot } from './layout.ts';

export interface ClusterName {
  readonly name: string;
  readonly dataDir?: string;
}

/** The data folder asked for, or the one in which the running cluster of this name keeps its data, or the default. */
export async function findDataDir(files: Files, { name, dataDir }: ClusterName): Promise<string> {
  return dataDir || (await runningDataDir(files, name)) || join(dataRoot, name);
}

/** Where the cluster of this name that is up, or was when it crashed, keeps its data. */
export async function runningDataDir(files: Files, name: string): Promise<string | undefined> {
  const running = await files.read(join(runRoot, name, 'cluster.json'));
  return running && (JSON.parse(running) as ClusterRecord).dataDir;
}

/**
 * The record in the data folder, or undefined when the folder is empty or absent.
 * Fails when the folder holds something else, or data of another version of the program.
 */
export async function readRecord(files: Files, paths: ClusterPaths): Promise<ClusterRecord | undefined> {
  const [version, text] = await usable(paths.data, async () => [
    (await files.read(join(paths.data, 'version')))?.trim(),
    await files.read(paths.record),
  ]);
  if (version === undefined && text === undefined) {
    const foreign = await foreignFile(paths.data);
    if (foreign === undefined) return undefined;
    throw new Failure(
      `${paths.data} holds something that is not a Portico cluster (${foreign}); choose another --data-dir`,
    );
  }
  if (version !== String(dataVersion)) {
    throw new Failure(
      `${paths.data} was written by another version of Portico (format ${version ?? 'unknown'}, this one reads ${dataVersion}); ` +
        'choose another --data-dir or remove it',
    );
  }
  return text === undefined ? undefined : parseRecord(text, paths.record);
}

/** A file in the folder that no `up` wrote before it failed; undefined where there is none, and no folder. */
export async function foreignFile(folder: string): Promise<string | undefined> {
  const found = await readdir(folder).catch(() => []);
  return found.find((file) => !['lost+found', 'logs', 'images', 'bin'].includes(file));
}

/** A file that is cut off or was edited tells nothing of ranges and ports: going on would make another cluster of the data. */
function parseRecord(text: string, path: string): ClusterRecord {
  try {
    return JSON.parse(text) as ClusterRecord;
  } catch (cause) {
    throw new Failure(`${path} is damaged: ${errorMessage(cause)}; mend it, or remove the data (down --purge)`, {
      cause,
    });
  }
}

async function usable<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Failure(`cannot use the data directory ${folder}: ${errorMessage(error)}`, { cause: error });
  }
}

export async function writeRecord(files: Files, record: ClusterRecord): Promise<void> {
  const paths = clusterPaths(record.name, record.dataDir);
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await usable(paths.data, async () => {
    await files.write(join(paths.data, 'version'), `${dataVersion}\n`);
    await files.write(paths.record, text);
  });
  await files.write(paths.runRecord, text);
}

/** Records of the clusters that have a run folder on this machine. */
export async function runningRecords(): Promise<ClusterRecord[]> {
  const names = await readdir(runRoot).catch(() => []);
  const texts = await Promise.all(names.map((n) => readFile(join(runRoot, n, 'cluster.json'), 'utf8').catch(() => '')));
  return texts.filter((text) => text !== '').map((text) => JSON.parse(text) as ClusterRecord);
}
