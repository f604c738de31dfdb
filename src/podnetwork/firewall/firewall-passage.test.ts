import { expect, test } from 'vitest';
import type { Exec } from '../../system/exec.ts';
import { wholeInput } from '../../system/fake/exec.ts';
import { acceptsFor } from './accepts.ts';
import { FirewallPassage } from './firewall-passage.ts';

const chain = { family: 'inet', table: 'firewalld', name: 'fwd', type: 'filter', hook: 'forward', policy: 'drop' };

/** nft with one chain of somebody else's, whose rules are what was inserted. */
function firewall(): { readonly exec: Exec; readonly rules: string[] } {
  const rules: string[] = [];
  const listed = () =>
    rules.map((comment, handle) => ({
      rule: { family: 'inet', table: 'firewalld', chain: 'fwd', handle, comment, expr: [{ accept: null }] },
    }));
  const run: Exec['run'] = async (command, { input } = {}) => {
    // As with a program of its own: what it sees is of now, what it says comes later.
    const seen = command.includes('chains') ? [{ chain }] : listed();
    await new Promise(setImmediate);
    if (command[0] === 'cat') return { code: 1, stdout: '', stderr: '' };
    if (command[1] === '-f')
      for (const [, comment] of wholeInput(input)
        .toString()
        .matchAll(/^insert .* comment "([^"]+)"$/gm))
        rules.push(comment!);
    return { code: 0, stdout: JSON.stringify({ nftables: seen }), stderr: '' };
  };
  return { exec: { run } as Exec, rules };
}

test('two who look at once put in each rule once', async () => {
  const { exec, rules } = firewall();
  const passage = new FirewallPassage(exec);
  const accepts = acceptsFor({ clusterCIDRs: ['10.244.0.0/16'], tunnelPeers: [] });
  await Promise.all([passage.ensure(accepts), passage.ensure(accepts)]);
  expect(rules).toHaveLength(2);
  expect(new Set(rules).size).toBe(rules.length);
});
