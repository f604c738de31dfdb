import { describe, expect, test } from 'vitest';
import { acceptsFor } from './accepts.ts';
import { iptablesChanges, iptablesRemoval } from './iptables.ts';
import { foreignChains, hasIptablesTable, type ListedChain, nftablesChanges } from './nftables.ts';

const accepts = acceptsFor({ clusterCIDRs: ['10.244.0.0/16', 'fd00::/56'], tunnelPeers: ['172.30.0.12'] });
const v4 = accepts.filter(({ family }) => family === 'IPv4');

test('pods to and from everywhere, cluster DNS, and the tunnel from its ends only', () => {
  expect(v4).toEqual([
    { hook: 'forward', family: 'IPv4', source: '10.244.0.0/16' },
    { hook: 'forward', family: 'IPv4', destination: '10.244.0.0/16' },
    { hook: 'input', family: 'IPv4', source: '10.244.0.0/16', protocol: 'udp', port: 53 },
    { hook: 'input', family: 'IPv4', source: '10.244.0.0/16', protocol: 'tcp', port: 53 },
    { hook: 'input', family: 'IPv4', source: '172.30.0.12/32', protocol: 'udp', port: 4789 },
  ]);
});

describe('iptables', () => {
  const open = '-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n';
  const own = `-A PORTICO-FORWARD -s 10.244.0.0/16 -j ACCEPT
-A PORTICO-FORWARD -d 10.244.0.0/16 -j ACCEPT
`;
  const jump = '-A FORWARD -m comment --comment "portico pod network" -j PORTICO-FORWARD';

  test('one that drops nothing is left alone', () => {
    expect(iptablesChanges(open, v4)).toBeUndefined();
    const some = `${open}-N KUBE-FORWARD\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -j DROP\n-A FORWARD -s 10.0.0.1/32 -j DROP\n`;
    expect(iptablesChanges(some, v4)).toBeUndefined();
  });

  test('by its policy: rules behind those of kube-proxy, before all others', () => {
    const listing = `-P INPUT ACCEPT\n-P FORWARD DROP\n-N KUBE-A\n-A FORWARD -j KUBE-A\n-A FORWARD -j KUBE-B\n-A FORWARD -j DOCKER\n`;
    const document = iptablesChanges(listing, v4);
    expect(document).toBe(
      `*filter\n:PORTICO-FORWARD - [0:0]\n${own}-I FORWARD 3 -m comment --comment "portico pod network" -j PORTICO-FORWARD\nCOMMIT\n`,
    );
    expect(iptablesChanges(`${listing}-N PORTICO-FORWARD\n${own}${jump}\n`, v4)).toBeUndefined();
    // The jump alone was flushed away.
    expect(iptablesChanges(`${listing}-N PORTICO-FORWARD\n${own}`, v4)).toBe(
      `*filter\n-I FORWARD 3 -m comment --comment "portico pod network" -j PORTICO-FORWARD\nCOMMIT\n`,
    );
  });

  test('by a rule at its end, here or in a chain further on', () => {
    const here = `${open}-A FORWARD -s 1.2.3.4/32 -j ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n`;
    expect(iptablesChanges(here, v4)).toContain('-I FORWARD 1 ');
    const further = `${open}-N ufw\n-A INPUT -j ufw\n-A ufw -j DROP\n`;
    expect(iptablesChanges(further, v4)).toContain(
      '-A PORTICO-INPUT -s 172.30.0.12/32 -p udp -m udp --dport 4789 -j ACCEPT',
    );
  });

  test('what was made is taken away, and nothing else', () => {
    expect(iptablesRemoval(open)).toBeUndefined();
    expect(iptablesRemoval(`${open}-N PORTICO-FORWARD\n${own}${jump}\n`)).toBe(
      `*filter\n:PORTICO-FORWARD - [0:0]\n${jump.replace('-A', '-D')}\n-X PORTICO-FORWARD\nCOMMIT\n`,
    );
  });
});

describe('nftables', () => {
  const chain = { family: 'inet', table: 'firewalld', name: 'fwd', type: 'filter', hook: 'forward', policy: 'accept' };
  const rule = (of: string, ...expr: object[]) => ({
    rule: { family: 'inet', table: 'firewalld', chain: of, handle: 7, expr },
  });
  const json = (...things: object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...things] });
  const match = { match: { op: '==', left: {}, right: 'eth0' } };

  test('base chains of others are found; ours and those of iptables are not among them', () => {
    const other = (more: Partial<ListedChain>) => ({ chain: { ...chain, ...more } });
    const text = json(
      { chain },
      other({ table: 'portico-proxy' }),
      other({ family: 'ip', table: 'filter', name: 'FORWARD' }),
      other({ hook: 'output' }),
      other({ type: 'nat' }),
      { chain: { family: 'inet', table: 'firewalld', name: 'plain' } },
    );
    expect(foreignChains(text)).toEqual([chain]);
    expect([hasIptablesTable(text, 'ip'), hasIptablesTable(text, 'ip6')]).toEqual([true, false]);
  });

  test('only one that drops gets rules, once', () => {
    expect(nftablesChanges(chain, json(rule('fwd', match, { drop: null })), accepts)).toBe('');
    expect(nftablesChanges(chain, json(rule('elsewhere', { drop: null })), accepts)).toBe('');
    const dropping = [
      rule('fwd', match, { jump: { target: 'zone' } }),
      rule('zone', { counter: {} }, { reject: { type: 'icmpx' } }),
    ];
    const script = nftablesChanges(chain, json(...dropping), accepts);
    expect(script.split('\n')[0]).toBe(
      'insert rule inet firewalld fwd ip saddr 10.244.0.0/16 accept comment "portico pod network: ip saddr 10.244.0.0/16"',
    );
    expect(script.match(/insert/g)).toHaveLength(4);
    const comments = [...script.matchAll(/comment "([^"]+)"/g)].map(([, comment]) => comment);
    const present = comments.map((comment, i) => ({
      rule: {
        family: 'inet',
        table: 'firewalld',
        chain: 'fwd',
        handle: 10 + i,
        comment,
        expr: [match, { accept: null }],
      },
    }));
    expect(nftablesChanges(chain, json(...dropping, ...present), accepts)).toBe('');
    expect(nftablesChanges(chain, json(...present), [])).toContain('delete rule inet firewalld fwd handle 13');
    expect(nftablesChanges({ ...chain, policy: 'drop' }, json(), v4)).toContain('ip daddr 10.244.0.0/16 accept');
  });
});
