import { expect, test } from 'vitest';
import { reachableNameServers } from './machine-name-servers.ts';

test('servers on the machine itself or on one of its links are none that a node can reach', () => {
  const resolvConf = `# nameserver 192.0.2.9
nameserver 127.0.0.53
nameserver ::1
nameserver fe80::1%eth0
nameserver 192.0.2.1
nameserver\t2001:db8::1
search example.com
`;
  expect(reachableNameServers(resolvConf)).toEqual(['192.0.2.1', '2001:db8::1']);
});
