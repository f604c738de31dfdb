// What a state makes of the kernel's messages about elements that someone else touched.
import { beforeEach, expect, test } from 'vitest';
import { type ElementEvent, littleEndian } from '../../nftables/events.ts';
import { renderTransaction } from '../../nftables/render.ts';
import { Follower } from '../fixtures/follower.ts';
import { config, endpoint, service, slice } from '../fixtures/objects.ts';
import { NftablesState } from './state.ts';

const tcp = [6, 0, 0, 0];
const port80 = [0, 80, 0, 0];
const port8080 = [0x1f, 0x90, 0, 0];
const web = [10, 96, 0, 10, ...tcp, ...port80];
const zero = [0, 0, 0, 0];
const three = littleEndian ? [3, 0, 0, 0] : [0, 0, 0, 3];

let follower: Follower<NftablesState>;
let state: NftablesState;

beforeEach(() => {
  follower = new Follower(new NftablesState(config));
  state = follower.state;
  follower.view.setService(service({ name: 'web' }));
  follower.view.setSlice(slice('web', [endpoint('10.244.2.1', 'node-b')]));
  follower.update();
  state.takeAll();
});

const goto = (chain: string) => ({ code: -4, chain });

function event(verb: 'add' | 'delete', set: string, key: readonly number[], value?: ElementEvent['value']) {
  const subject = { kind: 'element', family: 'ip', table: 'portico-proxy' } as const;
  return { ...subject, verb, set, key: new Uint8Array(key), value };
}

test.each([
  [
    'deleted',
    event('delete', 'services', web, goto('lb-1')),
    'add element ip portico-proxy services { 10.96.0.10 . tcp . 80 : goto lb-1 }\n',
  ],
  [
    'added',
    event('add', 'endpoints-16', [...web, ...three], new Uint8Array([192, 0, 2, 9, ...port8080])),
    'delete element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 3 }\n',
  ],
  [
    'another',
    event('add', 'endpoints-16', [...web, ...zero], new Uint8Array([192, 0, 2, 9, ...port8080])),
    'delete element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0 }\n' +
      'add element ip portico-proxy endpoints-16 { 10.96.0.10 . tcp . 80 . 0 : 10.244.2.1 . 8080 }\n',
  ],
])('an element that is %s is put right alone', (_, heard, script) => {
  expect(state.heard(heard)).toBe('element');
  expect(renderTransaction(state.take()!)).toBe(script);
  expect(state.take()).toBeUndefined();
});

test('what ends as it should be needs nothing', () => {
  expect(state.heard(event('delete', 'services', web))).toBe('element');
  expect(state.heard(event('add', 'services', web, goto('lb-1')))).toBe('same');
  expect(state.take()).toBeUndefined();
});

test('an element that a change wants gone, too, is left as it is', () => {
  follower.view.deleteService(service({ name: 'web' }));
  follower.update();
  state.heard(event('delete', 'services', web));
  const script = renderTransaction(state.take()!);
  expect(script).toContain('delete element ip portico-proxy cluster-ips { 10.96.0.10 }');
  expect(script).not.toContain('portico-proxy services');
});

test('a listing that began before is no witness of it', () => {
  state.startListing();
  expect(state.heard(event('add', 'cluster-ips', [10, 96, 0, 99]))).toBe('element');
  state.take();
  expect(
    state.compare(
      'cluster-ips',
      new Map([
        ['10.96.0.10', ''],
        ['10.96.0.99', ''],
      ]),
    ),
  ).toBe('same');
});

test.each([
  ['a set that is not ours', event('add', 'theirs', [1])],
  ['a set with ranges', event('delete', 'firewall-sources', [...web, 10, 0, 0, 0])],
  ['bytes of another type', event('add', 'services', [1])],
])('%s must be looked at', (_, heard) => {
  expect(state.heard(heard)).toBe('unclear');
  expect(state.take()).toBeUndefined();
});
