import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { dnsSettings, dnsWarnings, parseResolvConf } from './dns-settings.ts';

const node = parseResolvConf('nameserver 9.9.9.9\nsearch corp.example.\noptions timeout:1\n');
const dns = { servers: ['10.96.0.10'], domain: 'cluster.local', node };
const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: 'web-0', namespace: 'shop', uid: 'u' },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const cluster = {
  servers: ['10.96.0.10'],
  searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'],
  options: ['ndots:5'],
};

test.each([
  ['\tnameserver \t 1.2.3.4 #comment\n#nameserver 5.6.7.8\nnameserver', ['1.2.3.4'], [], []],
  ['search foo\nsearch bar. baz', [], ['bar', 'baz'], []],
  ['search foo\nsearch .', [], [], []],
  ['search foo\nsearch', [], [], []],
  ['domain foo\nsortlist x', [], [], []],
  ['options ndots:1\noptions ndots:5 attempts:3', [], [], ['ndots:5', 'attempts:3']],
])('of a resolv.conf counts what upstream takes of it: %j', (text, servers, searches, options) =>
  expect(parseResolvConf(text)).toEqual({ servers, searches, options }),
);

test.each([
  [{}, cluster],
  [{ hostNetwork: true }, node],
  [{ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, cluster],
  [{ dnsPolicy: 'Default' }, node],
  [{ dnsPolicy: 'None' }, { servers: [], searches: [], options: [] }],
])('resolv.conf follows dnsPolicy: %j', (spec, expected) => expect(dnsSettings(pod(spec), dns)).toEqual(expected));

test('dnsConfig is added to it, its options in place of those of the same name', () => {
  const options = [{ name: 'ndots', value: '2' }, { name: 'edns0', value: '' }, { name: 'rotate' }];
  const dnsConfig = { nameservers: ['1.1.1.1'], searches: ['x', 'corp.example'], options };
  const own = { servers: ['1.1.1.1'], searches: ['x', 'corp.example'], options: ['ndots:2', 'edns0', 'rotate'] };
  expect(dnsSettings(pod({ dnsPolicy: 'None', dnsConfig }), dns)).toEqual(own);
  expect(dnsSettings(pod({ dnsConfig }), dns)).toEqual({
    servers: ['10.96.0.10', '1.1.1.1'],
    searches: [...cluster.searches, 'x'],
    options: own.options,
  });
});

const numbered = (count: number, width = 1) => Array.from({ length: count }, (_, i) => `${i}`.padEnd(width, 'x'));

test.each([
  [{ nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'] }, 'servers', ['1.1.1.1', '2.2.2.2', '3.3.3.3']],
  [{ searches: numbered(33) }, 'searches', numbered(32)],
  [{ searches: ['a', 'b'.repeat(254), 'c'] }, 'searches', ['a', 'c']],
  [{ searches: numbered(10, 250) }, 'searches', numbered(8, 250)],
] as const)('what resolvers do not take is left out, and said', (asked, what, applied) => {
  const settings = { nameservers: [], searches: [], ...asked };
  const asking = pod({
    dnsPolicy: 'None',
    dnsConfig: { nameservers: [...settings.nameservers], searches: [...settings.searches] },
  });
  expect(dnsSettings(asking, dns)[what]).toEqual(applied);
  const [omitted, line] =
    what === 'servers'
      ? ['Nameserver limits were exceeded, some nameservers have been omitted', 'nameserver']
      : ['Search Line limits were exceeded, some search paths have been omitted', 'search'];
  const message = `${omitted}, the applied ${line} line is: ${applied.join(' ')}`;
  expect(dnsWarnings(asking, dns)).toEqual([{ type: 'Warning', reason: 'DNSConfigForming', message }]);
  expect(dnsWarnings(pod(), dns)).toEqual([]);
});

test('without name servers of the cluster a pod has those of the node, and is told', () => {
  const none = { ...dns, servers: [] };
  expect(dnsSettings(pod(), none)).toEqual(node);
  expect(dnsWarnings(pod(), none)).toMatchObject([{ reason: 'MissingClusterDNS' }]);
  expect(dnsWarnings(pod({ dnsPolicy: 'Default' }), none)).toEqual([]);
});
