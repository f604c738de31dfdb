// The addresses of this machine's interfaces.
import type { Exec } from '../system/exec.ts';
import { canonicalIP } from './address.ts';

interface LinkAddresses {
  readonly addr_info?: readonly { readonly local?: string }[];
}

/** All of both families, loopback's and link-local ones too, sorted. Rejects with an Error when `ip` does not answer. */
export async function interfaceAddresses(exec: Exec): Promise<string[]> {
  const { code, stdout, stderr } = await exec.run(['ip', '-json', 'address', 'show']);
  if (code !== 0) throw new Error(`ip address show: ${stderr.trim() || `exit code ${code}`}`);
  const links = JSON.parse(stdout || '[]') as readonly LinkAddresses[];
  const addresses = links.flatMap(({ addr_info = [] }) => addr_info.flatMap(({ local }) => (local ? [local] : [])));
  return [...new Set(addresses.map(canonicalIP))].sort();
}
