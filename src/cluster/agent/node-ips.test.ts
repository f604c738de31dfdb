import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { chooseNodeIPs, followNodeIPs } from './node-ips.ts';

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

test('work begins anew once an address is gone and the machine has another: not while its link is down, nor when one comes', async () => {
  const clock = new FakeClock();
  const [before, more, after] = [['192.0.2.11'], ['192.0.2.11', 'fd00::b'], ['192.0.2.22', 'fd00::b']];
  let own: readonly string[] = before;
  const find = async () => {
    if (own.length === 0) throw new Error('no way');
    return own;
  };
  const runs: (readonly string[])[] = [];
  const run = (nodeIPs: readonly string[], signal: AbortSignal) => {
    runs.push(nodeIPs);
    return clock.sleep(1e9, signal);
  };
  const stop = new AbortController();
  const lines: string[] = [];
  const followed = followNodeIPs({ find, own: () => own, run, clock, log: (line) => lines.push(line) }, stop.signal);
  for (const now of [before, more, [], before, after]) {
    expect(lines).toEqual([]);
    own = now;
    await new Promise(setImmediate);
    clock.advance(10_000);
    await new Promise(setImmediate);
  }
  expect(runs).toEqual([before, after]);
  expect(lines).toEqual(["the node's addresses are 192.0.2.22, fd00::b now, no more 192.0.2.11: beginning anew"]);
  stop.abort(new Error('the end'));
  await expect(followed).rejects.toThrow('the end');
});

test('what fails is told, whatever becomes of addresses', async () => {
  const run = () => Promise.reject(new Error('containerd refuses'));
  const followed = followNodeIPs(
    { find: async () => ['192.0.2.11'], own: () => [], run, clock: new FakeClock(), log: () => {} },
    new AbortController().signal,
  );
  await expect(followed).rejects.toThrow('containerd refuses');
});
