import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from './apply.ts';
import { diff, diffServers, realKey, serverKey } from './diff.ts';
import { renderServerCommand } from './render.ts';
import type { IpvsRuleset, VirtualServer } from './ruleset.ts';

const arbitraryReal = fc.record({
  address: fc.constantFrom('10.244.1.1', '10.244.1.2', 'fd00::1'),
  port: fc.constantFrom(80, 8080),
  weight: fc.constantFrom(0, 1),
});

const arbitraryServer: fc.Arbitrary<VirtualServer> = fc.record({
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  address: fc.constantFrom('10.96.0.1', '10.96.0.2'),
  port: fc.constantFrom(53, 80),
  scheduler: fc.constantFrom('rr', 'lc'),
  persistentSeconds: fc.constantFrom(undefined, 10800),
  realServers: fc.uniqueArray(arbitraryReal, { selector: realKey }),
});

const names = ['A', 'B', 'C'];

/** `to` wants every set there is, as the mode does. */
const arbitraryRuleset = (sets: readonly string[]): fc.Arbitrary<IpvsRuleset> =>
  fc.record({
    addresses: fc.uniqueArray(fc.constantFrom('10.96.0.1', '10.96.0.2', 'fd00:96::1')),
    sets: fc.tuple(...sets.map((name) => arbitrarySet(name))),
    servers: fc.uniqueArray(arbitraryServer, { selector: serverKey }),
  });

function arbitrarySet(name: string) {
  const members = fc.uniqueArray(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'));
  return fc.record({
    name: fc.constant(name),
    type: fc.constant('hash:ip' as const),
    family: fc.constant('inet' as const),
    members: members.map((list) => list.sort()),
  });
}

/** Without the order, in which nothing is told. */
function shapeOf({ addresses, sets, servers }: IpvsRuleset) {
  return {
    addresses: [...addresses].sort(),
    sets: Object.fromEntries(sets.map((set) => [set.name, set])),
    servers: Object.fromEntries(
      servers.map((server) => {
        const real = Object.fromEntries(server.realServers.map((r) => [realKey(r), r.weight]));
        return [serverKey(server), { ...server, realServers: real }];
      }),
    ),
  };
}

test('what a diff says leads from any ruleset to any other', () => {
  const from = fc.subarray(names).chain(arbitraryRuleset);
  fc.assert(
    fc.property(from, arbitraryRuleset(names), (a, b) => {
      expect(shapeOf(apply(a, diff(a, b)))).toEqual(shapeOf(b));
      const none = diff(b, b);
      expect([...none.addresses, ...none.sets, ...none.servers]).toEqual([]);
    }),
  );
});

const server: VirtualServer = {
  protocol: 'tcp',
  address: '10.96.0.1',
  port: 80,
  scheduler: 'rr',
  persistentSeconds: undefined,
  realServers: [
    { address: '10.244.1.1', port: 8080, weight: 1 },
    { address: '10.244.1.2', port: 8080, weight: 1 },
  ],
};
const [first, second] = server.realServers;
const linesOf = (...args: Parameters<typeof diffServers>) =>
  diffServers(...args)
    .map(renderServerCommand)
    .join('');

test('a real server with connections takes no new ones, and is told so once', () => {
  const wanted = { ...server, realServers: [first!] };
  const keep = () => 'keep' as const;
  expect(linesOf([server], [wanted], keep)).toBe('-e -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 0\n');
  const waiting = { ...server, realServers: [first!, { ...second!, weight: 0 }] };
  expect(linesOf([waiting], [wanted], keep)).toBe('');
  expect(linesOf([waiting], [wanted], () => 'remove')).toBe('-d -t 10.96.0.1:80 -r 10.244.1.2:8080\n');
  expect(linesOf([waiting], [server], keep)).toBe('-e -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1\n');
});

test('a server is changed in place, and goes whole', () => {
  expect(linesOf([server], [{ ...server, persistentSeconds: 60 }])).toBe('-E -t 10.96.0.1:80 -s rr -p 60\n');
  expect(linesOf([server], [])).toBe('-D -t 10.96.0.1:80\n');
  const hashed = { ...server, protocol: 'sctp' as const, scheduler: 'mh', schedulerFlags: 'mh-port', realServers: [] };
  expect(linesOf([], [hashed])).toBe('-A --sctp-service 10.96.0.1:80 -s mh -b mh-port\n');
});

test('what the kernel would refuse is refused', () => {
  const empty: IpvsRuleset = { addresses: [], sets: [], servers: [] };
  const nothing = { addresses: [], sets: [], servers: [] };
  expect(() => apply(empty, { ...nothing, servers: [{ verb: 'delete-server', server }] })).toThrow('delete-server tcp');
  expect(() => apply(empty, { ...nothing, sets: [{ verb: 'add', set: 'A', member: 'x' }] })).toThrow('no set A');
  expect(() => apply(empty, { ...nothing, addresses: [{ verb: 'del', address: '10.0.0.1' }] })).toThrow('del 10.0.0.1');
});
