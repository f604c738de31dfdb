import { expect, test } from 'vitest';
import { parseInterfaces, parseServers, parseSets } from './parse.ts';

const listing = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  10.0.0.1:80 mh (mh-port)
TCP  [fd00:96::b]:80 rr persistent 10800
  -> [fd00:10:244:1111:2222:3333:4444:5555]:65535 Masq    1      2          30        
FWM  1 rr
  -> 10.9.9.9:0                   Route   1      0          0         
SCTP 10.0.0.1:9 rr
  -> 10.244.1.1:9                 Masq    0      0          0         
`;

test('a listing of virtual servers, with how many connections each real server has', () => {
  const { servers, connections } = parseServers(listing);
  const real = { address: 'fd00:10:244:1111:2222:3333:4444:5555', port: 65535, weight: 1 };
  expect(servers).toEqual([
    {
      protocol: 'udp',
      address: '10.0.0.1',
      port: 80,
      scheduler: 'mh',
      schedulerFlags: 'mh-port',
      persistentSeconds: undefined,
      realServers: [],
    },
    {
      protocol: 'tcp',
      address: 'fd00:96::b',
      port: 80,
      scheduler: 'rr',
      persistentSeconds: 10800,
      realServers: [real],
    },
    {
      protocol: 'sctp',
      address: '10.0.0.1',
      port: 9,
      scheduler: 'rr',
      persistentSeconds: undefined,
      realServers: [{ address: '10.244.1.1', port: 9, weight: 0 }],
    },
  ]);
  expect(connections(servers[1]!, real)).toEqual({ active: 2, inactive: 30 });
  expect(connections(servers[0]!, real)).toEqual({ active: 0, inactive: 0 });
});

test('sets of a name that is asked for', () => {
  const saved = `create KUBE-6-CLUSTER-IP hash:ip,port family inet6 hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1
add KUBE-6-CLUSTER-IP fd00:96::b,tcp:80
create others hash:ip family inet hashsize 1024 maxelem 65536
add others 10.0.0.1
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
add KUBE-NODE-PORT-TCP 30088
`;
  expect(parseSets(saved, (name) => name.startsWith('KUBE-'))).toEqual([
    { name: 'KUBE-6-CLUSTER-IP', type: 'hash:ip,port', family: 'inet6', members: ['fd00:96::b,tcp:80'] },
    { name: 'KUBE-NODE-PORT-TCP', type: 'bitmap:port', family: 'inet', members: ['30088'] },
  ]);
});

test('interfaces; those that a filter left out are empty objects', () => {
  const text = `[{"ifname":"eth0","addr_info":[{"family":"inet","local":"172.18.0.2","scope":"global"},
    {"family":"inet6","local":"fe80::1","scope":"link"}]},{},{"ifname":"ip6tnl0"}]`;
  expect(parseInterfaces(text)).toEqual([
    {
      name: 'eth0',
      addresses: [
        { ip: '172.18.0.2', scope: 'global' },
        { ip: 'fe80::1', scope: 'link' },
      ],
    },
    { name: 'ip6tnl0', addresses: [] },
  ]);
  expect(parseInterfaces('')).toEqual([]);
});
