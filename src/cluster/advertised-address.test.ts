import { expect, test } from 'vitest';
import { advertisedAddress } from './advertised-address.ts';

const at = (host: string) => ({ host, port: 6443 });
const [loopback, everywhere, name] = [at('127.0.0.1'), at('0.0.0.0'), at('localhost')];
const [v4, v6] = [at('172.30.0.1'), at('fd00:172:30::1')];

test("pods are led to an address that is not only the machine's own, of the family of the Service", () => {
  expect(advertisedAddress([loopback, v4, v6], '10.96.0.0/16')).toBe(v4);
  expect(advertisedAddress([loopback, v4, v6], 'fd00:96::/112')).toBe(v6);
  expect(advertisedAddress([loopback, v4], 'fd00:96::/112')).toBe(v4);
  expect(advertisedAddress([everywhere, v6], '10.96.0.0/16')).toBe(v6);
  expect(advertisedAddress([name, loopback])).toBe(name);
});
