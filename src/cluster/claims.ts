// What clusters on one machine share: the numbers N of 172.30.N.0/24. A claim is the file /run/portico/index-N that holds
// the cluster's name, made exclusively, so that two clusters starting at once do not get the same.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { Failure } from './failure.ts';
import { bridgeName, runRoot } from './layout.ts';

/** A number whose network no other cluster and no other interface of the machine uses; `preferred` when it is free. */
export async function claimIndex(name: string, preferred: number | undefined): Promise<number> {
  await mkdir(runRoot, { recursive: true });
  const candidates = [...(preferred === undefined ? [] : [preferred]), ...Array.from({ length: 256 }, (_, i) => i)];
  for (const index of candidates) {
    if (isUsedByOthers(index, bridgeName(name))) continue;
    if (await claim(index, name)) return index;
  }
  throw new Failure('every node network from 172.30.0.0/24 to 172.30.255.0/24 is taken; bring a cluster down first');
}

function isUsedByOthers(index: number, bridge: string): boolean {
  return Object.entries(networkInterfaces()).some(
    ([link, addresses]) => link !== bridge && addresses?.some(({ address }) => address.startsWith(`172.30.${index}.`)),
  );
}

async function claim(index: number, name: string): Promise<boolean> {
  const path = `${runRoot}/index-${index}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(path, name, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (holder === name) return true;
    // A claim outlives its cluster only when the machine went down with it: then the bridge is gone too.
    const isAlive = holder !== '' && networkInterfaces()[bridgeName(holder)] !== undefined;
    if (isAlive) return false;
    const record = await readFile(`${runRoot}/${holder}/cluster.json`, 'utf8').catch(() => undefined);
    if (holder !== '' && record === undefined) return false; // just being started
    await rm(path, { force: true });
  }
  return false;
}
