import { expect, test } from 'vitest';
import { Edits } from './edits.ts';

const ours = ' EVENT: -4 -t nat -A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-ABC';
const generation = 'NEWGEN: GENID=4 PID=4711 NAME=iptables-nft-re';

const anyOf = (edits: Edits, lines: readonly string[]): boolean => lines.map((line) => edits.read(line)).includes(true);

test('a generation that was announced is ours, and the next is not', () => {
  const edits = new Edits();
  edits.announce(1);
  expect(anyOf(edits, [ours, ours, generation])).toBe(false);
  expect(anyOf(edits, [ours, generation])).toBe(true);
});

test('what was announced and never came hides nothing once all is quiet', () => {
  const edits = new Edits();
  edits.announce(2);
  edits.settle();
  expect(anyOf(edits, [' EVENT: -6 -t nat -D KUBE-SEP-XYZ -s fd00::1 -j KUBE-MARK-MASQ', generation])).toBe(true);
});

test.each([
  ['chains of others', ' EVENT: -4 -t filter -A DOCKER -j RETURN'],
  ['the chains of the kubelet', ' EVENT: -4 -t mangle -N KUBE-KUBELET-CANARY'],
  ['rules of others in chains of the kernel', ' EVENT: -4 -t nat -D POSTROUTING -j MASQUERADE'],
])('%s are of no concern', (_, line) => {
  expect(anyOf(new Edits(), [line, generation])).toBe(false);
});

test.each([
  ['a canary', ' EVENT: -4 -t mangle -X KUBE-PROXY-CANARY'],
  ['a jump to our chains', ' EVENT: -4 -t nat -D PREROUTING -m comment --comment "x" -j KUBE-SERVICES'],
])('%s is never taken away by ourselves', (_, line) => {
  const edits = new Edits();
  edits.announce(1);
  expect(edits.read(line)).toBe(true);
});
