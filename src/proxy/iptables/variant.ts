// Two kinds of iptables can be on a machine: rules of the one are not seen by the other, so all of its programs must use the
// same. The signs are those that Kubernetes' iptables-wrappers go by.
import type { Exec } from '../../system/exec.ts';

/** `nft` writes by way of nf_tables, `legacy` by way of ip_tables. */
export type IptablesVariant = 'nft' | 'legacy';

export const iptablesVariants: readonly IptablesVariant[] = ['nft', 'legacy'];

/** Chains that a kubelet keeps, or that this proxy left when it ended. */
const signs = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY|PROXY-CANARY) /m;

/** Runs `iptables-legacy-save` where `iptables-save` is asked for, and so on; other programs as they are. */
export function withVariant(exec: Exec, variant: IptablesVariant | undefined): Exec {
  if (!variant) return exec;
  return {
    run: ([program = '', ...args], options) =>
      exec.run([program.replace(/^(ip6?tables)(?=$|-)/, `$1-${variant}`), ...args], options),
  };
}

async function saved(exec: Exec, variant: IptablesVariant): Promise<string | undefined> {
  let text = '';
  for (const program of ['iptables-save', 'ip6tables-save']) {
    try {
      text += (await withVariant(exec, variant).run([program])).stdout;
    } catch {
      return undefined;
    }
  }
  return text;
}

function rulesIn(text: string): number {
  return text.match(/^-A /gm)?.length ?? 0;
}

/**
 * The kind in use: where a kubelet or a proxy left its sign, or else the one with more rules, nft when none has more.
 * Undefined where the programs do not bear the name of their kind: then there is no choice.
 */
export async function detectVariant(exec: Exec): Promise<IptablesVariant | undefined> {
  const nft = await saved(exec, 'nft');
  const legacy = await saved(exec, 'legacy');
  if (nft === undefined || legacy === undefined) return nft === undefined ? undefined : 'nft';
  if (signs.test(nft)) return 'nft';
  if (signs.test(legacy)) return 'legacy';
  return rulesIn(legacy) > rulesIn(nft) ? 'legacy' : 'nft';
}
