import { describe, expect, test } from 'vitest';
import { FakeExec } from '../../system/fake/exec.ts';
import { detectVariant, withVariant } from './variant.ts';

/** A machine where the two kinds have these rules; undefined for a kind that is not installed. */
function machine(tables: { readonly nft?: string; readonly legacy?: string }): FakeExec {
  return new FakeExec(({ command: [program = ''] }) => {
    const stdout = program.includes('-nft-') ? tables.nft : tables.legacy;
    if (stdout === undefined) throw Object.assign(new Error(program), { code: 'ENOENT' });
    return { stdout: program.startsWith('ip6') ? '' : stdout };
  });
}

const rules = (count: number) => `*filter\n${'-A INPUT -j ACCEPT\n'.repeat(count)}COMMIT\n`;
const hint = '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n';

describe('the kind of iptables in use', () => {
  test.each([
    ['is nft where nothing speaks for the other', { nft: '', legacy: '' }, 'nft'],
    ['is the one with the sign of a kubelet', { nft: rules(9), legacy: hint }, 'legacy'],
    ['is nft where both have a sign', { nft: hint, legacy: hint }, 'nft'],
    ['is the one with more rules', { nft: rules(1), legacy: rules(2) }, 'legacy'],
    ['is the only one', { nft: '' }, 'nft'],
    ['has no name where the programs have none', {}, undefined],
  ] as const)('%s', async (_, tables, variant) => {
    expect(await detectVariant(machine(tables))).toBe(variant);
  });
});

test('programs are called by the name of their kind', async () => {
  const exec = new FakeExec();
  const legacy = withVariant(exec, 'legacy');
  for (const program of ['iptables', 'ip6tables-restore', 'ipset', 'nft']) await legacy.run([program, '-w']);
  expect(exec.commands.map(({ command }) => command[0])).toEqual([
    'iptables-legacy',
    'ip6tables-legacy-restore',
    'ipset',
    'nft',
  ]);
});
