import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { longestGap, parseAnswer, parseTimedAsks, tally } from './answers.ts';
import { steadyClient } from './changes.ts';
import { DemoCluster, type DemoClusterOptions } from './demo-cluster.ts';
import { excerpt, leadsTo } from './node-rules.ts';
import { Page } from './page.ts';

test('answers are counted by pod, and what is no answer is not', () => {
  const lines = ['a 10.0.0.1 sees 10.0.0.9', 'b 10.0.0.2 sees 10.0.0.9', 'a 10.0.0.1 sees 10.0.0.8', 'failed', ''];
  expect(tally(4, lines)).toEqual({
    asked: 4,
    answered: 3,
    pods: [
      { pod: 'a', count: 2 },
      { pod: 'b', count: 1 },
    ],
    sources: ['10.0.0.8', '10.0.0.9'],
  });
  expect(parseAnswer('wget: server returned error')).toBeUndefined();
});

test('the longest gap lies between answers, not between asks', () => {
  const asks = parseTimedAsks('1.00 1.01 a 10.0.0.1 sees x\n1.02 2.50 -\n1.04 1.31 a 10.0.0.1 sees x\nnoise\n');
  expect(asks).toHaveLength(3);
  expect(longestGap(asks)).toBeCloseTo(0.3);
});

test('an excerpt keeps the lines and elements of one address, under what holds them', () => {
  const text = `table ip t {
	map services {
		elements = { 10.96.0.1 . tcp . 443 : goto lb-1, 10.96.0.11 . tcp . 80 : goto lb-3,
			     10.96.0.12 . tcp . 80 : goto lb-2 }
	}
	chain c {
		ip daddr 10.96.0.11 drop
	}
}`;
  expect(excerpt(text, ['10.96.0.11'], 10)).toEqual([
    'map services:',
    '  10.96.0.11 . tcp . 80 : goto lb-3',
    'chain c:',
    '  ip daddr 10.96.0.11 drop',
  ]);
  expect(excerpt(text, ['10.96.0.1', '10.96.0.11'], 2)).toHaveLength(3);
});

test('rules have followed when those of the Service lead to its endpoints alone, whatever those of others do', () => {
  const rules = (...endpoints: string[]) => `table ip t {
	map endpoints-16 {
		elements = { ${endpoints.map((ip, i) => `10.96.0.11 . tcp . 80 . ${i} : ${ip} . 80`).join(',\n\t\t\t     ')},
			     10.96.0.12 . tcp . 80 . 0 : 10.244.1.2 . 80, 10.96.0.12 . tcp . 80 . 1 : 10.244.2.3 . 80 }
	}
}`;
  const two = { endpoints: ['10.244.1.2', '10.244.2.3'] };
  expect(leadsTo(rules('10.244.1.2', '10.244.2.3'), ['10.96.0.11'], two)).toBe(true);
  expect(leadsTo(rules('10.244.1.2'), ['10.96.0.11'], two)).toBe(false);
  expect(leadsTo(rules('10.244.1.2', '10.244.2.30'), ['10.96.0.11'], two)).toBe(false);
  const one = { endpoints: ['10.244.1.2'], others: ['10.244.2.3'] };
  expect(leadsTo(rules('10.244.1.2', '10.244.2.3'), ['10.96.0.11'], one)).toBe(false);
  expect(leadsTo(rules('10.244.1.2'), ['10.96.0.11'], one)).toBe(true);
});

test('the demo asks by the family that Services have', async () => {
  const record = { version: 1, name: 'a', index: 2, nodes: 1, apiPort: 1, proxyMode: 'nftables', egress: false };
  const demoOf = (serviceCIDRs?: string) =>
    new DemoCluster({ record: { ...record, ...(serviceCIDRs && { serviceCIDRs }) } } as unknown as DemoClusterOptions);
  const [first, second] = [demoOf(), demoOf('fd00:96::/112,10.96.0.0/16')];
  expect([first.family, first.hostAddress]).toEqual(['IPv4', '172.30.2.1']);
  expect([second.family, second.hostAddress]).toEqual(['IPv6', 'fd00:172:30:2::1']);
  expect(second.nodes.map((node) => second.addressOf(node))).toEqual(['fd00:172:30:2::b']);
});

test.each([
  [{ TERM: 'xterm-256color' }, '\x1b[1m1. Ask\x1b[0m'],
  [{ TERM: 'xterm-256color', NO_COLOR: '1' }, '1. Ask'],
  [{ TERM: 'dumb' }, '1. Ask'],
])('headings are bold where the terminal and its user want it: %o', (env, heading) => {
  const written: string[] = [];
  const hasColors = () => WriteStream.prototype.hasColors(env);
  new Page({ hasColors, write: (text) => written.push(text) }).chapter('Ask');
  expect(written).toEqual([`\n${heading}\n`]);
});

test('the client of a demo that was broken off asks on for no longer than its time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-demo-'));
  const script = steadyClient(0).replaceAll('/tmp/', `${folder}/`);
  // Without a program of that name no ask is answered.
  const asked = execFileSync('sh', [
    '-c',
    `wget() { false; }; timeout() { false; }; usleep() { sleep 0.1; }; ${script}`,
  ]);
  expect(parseTimedAsks(asked.toString()).length).toBeGreaterThan(0);
  rmSync(folder, { recursive: true });
});
