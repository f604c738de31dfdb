import { expect, test } from 'vitest';
import { chooseNodeIPs } from './node-ips.ts';

const v4 = { local: '192.0.2.11', family: 'inet', scope: 'global' };
const loadBalancer = { local: '192.0.2.200', family: 'inet', scope: 'global', deprecated: true };
const v6 = { local: 'fd00::b', family: 'inet6', scope: 'global' };
const privacy = { local: 'fd00::1234', family: 'inet6', scope: 'global', temporary: true };
const linkLocal = { local: 'fe80::1', family: 'inet6', scope: 'link' };

test.each([
  ['the source of the way to the server, then the other family', { prefsrc: '192.0.2.11' }, ['192.0.2.11', 'fd00::b']],
  ['IPv6 first where the server is reached so', { prefsrc: 'fd00::b' }, ['fd00::b', '192.0.2.11']],
  ['the link’s first lasting address where the way names none', {}, ['192.0.2.11', 'fd00::b']],
])('%s', (_, route, expected) => {
  expect(chooseNodeIPs(route, [loadBalancer, v4, linkLocal, privacy, v6])).toEqual(expected);
});

test('one family alone, and none at all', () => {
  expect(chooseNodeIPs({ prefsrc: '192.0.2.11' }, [v4, linkLocal])).toEqual(['192.0.2.11']);
  expect(chooseNodeIPs({}, [linkLocal, loadBalancer])).toEqual([]);
});
