// What clusters on one machine share: the numbers N of 172.30.N.0/24. A claim is the file /run/portico/index-N that holds
// the cluster's name; claims are made one after the other, so that two clusters starting at once do not get the same.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../system/clock.ts';
import { Failure } from './failure.ts';
import { bridgeName, clusterLock, runRoot } from './layout.ts';
import { lockHolder, withLock } from './lock.ts';

const prefix = 'index-';
/** Choosing takes a few milliseconds; who takes longer was stopped, or the machine is far too busy. */
const patienceMs = 30_000;

/** A number whose network no other cluster and no other interface of the machine uses; `preferred` when it is free. */
export async function claimIndex(name: string, preferred: number | undefined, clock: Clock): Promise<number> {
  const lock = {
    path: `${runRoot}/claims.lock`,
    purpose: 'choosing its network',
    patience: { clock, ms: patienceMs },
  };
  return withLock(lock, async () => {
    const candidates = [...(preferred === undefined ? [] : [preferred]), ...Array.from({ length: 256 }, (_, i) => i)];
    const index = candidates.find((one) => !isUsedByOthers(one, bridgeName(name)) && isFree(one, name));
    if (index === undefined) {
      throw new Failure(
        'every node network from 172.30.0.0/24 to 172.30.255.0/24 is taken; bring a cluster down first',
      );
    }
    writeFileSync(`${runRoot}/${prefix}${index}`, name);
    return index;
  });
}

/** Gives back all that the cluster has claimed. */
export function releaseClaims(name: string): void {
  for (const claim of claims()) if (holderOf(claim) === name) rmSync(`${runRoot}/${claim}`, { force: true });
}

function isUsedByOthers(index: number, bridge: string): boolean {
  return Object.entries(networkInterfaces()).some(
    ([link, addresses]) => link !== bridge && addresses?.some(({ address }) => address.startsWith(`172.30.${index}.`)),
  );
}

/**
 * A claim outlives its cluster only when its command or the machine went down with it: then there is neither its bridge nor a
 * command that is about to make it.
 */
function isFree(index: number, name: string): boolean {
  const holder = holderOf(`${prefix}${index}`);
  if (holder === '' || holder === name) return true;
  return networkInterfaces()[bridgeName(holder)] === undefined && lockHolder(clusterLock(holder)) === undefined;
}

function claims(): string[] {
  try {
    return readdirSync(runRoot).filter((file) => file.startsWith(prefix));
  } catch {
    return [];
  }
}

/** Empty where nobody has claimed it. */
function holderOf(claim: string): string {
  try {
    return readFileSync(`${runRoot}/${claim}`, 'utf8');
  } catch {
    return '';
  }
}
