// The addresses of this machine's interfaces.
import { parseInterfaces } from '../ipvs/parse.ts';
import type { Exec } from '../system/exec.ts';
import { canonicalIP } from './address.ts';

/** All of both families, loopback's and link-local ones too, sorted. Rejects with an Error when `ip` does not answer. */
export async function interfaceAddresses(exec: Exec): Promise<string[]> {
  const { code, stdout, stderr } = await exec.run(['ip', '-json', 'address', 'show']);
  if (code !== 0) throw new Error(`ip address show: ${stderr.trim() || `exit code ${code}`}`);
  const addresses = parseInterfaces(stdout).flatMap((found) => found.addresses);
  return [...new Set(addresses.map(({ ip }) => canonicalIP(ip)))].sort();
}
