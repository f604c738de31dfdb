import { expect, test } from 'vitest';
import { serverAddresses } from './server-addresses.ts';

const ofMachine = ['192.0.2.7', '198.51.100.7', '2001:db8::7'];

test.each([
  [['192.0.2.7'], ['192.0.2.7']],
  [['0.0.0.0'], ['192.0.2.7', '198.51.100.7']],
  [['::'], ['2001:db8::7']],
  [['0:0::0'], ['2001:db8::7']],
  [['0.0.0.0', '::', '192.0.2.7'], ofMachine],
])('a server that listens on %j is found at %j', (listen, expected) => {
  const addresses = listen.map((address) => ({ address, port: 53 }));
  expect(serverAddresses(addresses, ofMachine)).toEqual(expected);
});
