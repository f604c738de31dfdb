import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderRule, renderTable, renderUpdate } from '../../iptables/render.ts';
import type { Table, TableUpdate } from '../../iptables/ruleset.ts';
import { arbitraryEvent } from '../fixtures/arbitrary.ts';
import { Follower } from '../fixtures/follower.ts';
import { endpoint, nodeA, service, settings, slice } from '../fixtures/objects.ts';
import { ownerOf } from '../owner.ts';
import { ServiceView } from '../service-view.ts';
import { configOf } from '../settings.ts';
import { IptablesState } from './state.ts';

const config = configOf({ ...settings, mode: 'iptables' }, 'IPv4', nodeA);

/** What `iptables-restore --noflush` makes of the kernel's chains; fails where the kernel would. */
class FakeKernel {
  readonly tables = new Map<string, Map<string, string[]>>();

  restore(updates: readonly TableUpdate[]): void {
    for (const update of updates) {
      const chains = this.tables.get(update.name) ?? new Map<string, string[]>();
      this.tables.set(update.name, chains);
      for (const chain of update.chains) chains.set(chain.name, chain.rules.map(renderRule));
      for (const name of update.remove ?? []) {
        if (!chains.has(name)) chains.set(name, []);
      }
      for (const name of update.remove ?? []) chains.set(name, []);
      for (const name of update.remove ?? []) {
        for (const [from, rules] of chains) {
          if (rules.some((rule) => rule.endsWith(`-j ${name}`))) throw new Error(`${from} leads to ${name}`);
        }
        chains.delete(name);
      }
      for (const [from, rules] of chains) {
        for (const rule of rules) {
          const target = /-j (KUBE-\S+)$/.exec(rule)?.[1];
          if (target && !chains.has(target)) throw new Error(`${from} leads to ${target}, which is not there`);
        }
      }
    }
  }
}

function shapeOf(tables: readonly Table[]) {
  return new Map(
    tables.map(({ name, chains }) => {
      const own = chains.filter((chain) => chain.policy === undefined);
      return [name, new Map(own.map((chain) => [chain.name, chain.rules.map(renderRule)]))];
    }),
  );
}

const sorted = (tables: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>) =>
  Object.fromEntries([...tables].map(([name, chains]) => [name, Object.fromEntries([...chains].sort())]));

test('any events lead by partial updates to what would be written at once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(arbitraryEvent, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
      const follower = new Follower(new IptablesState(config));
      const { state } = follower;
      const kernel = new FakeKernel();
      kernel.restore(state.takeAll([]));
      for (const batch of batches) {
        for (const event of batch) follower.handle(event);
        follower.update();
        if (state.hasChanges) kernel.restore(state.take());
      }
      const fresh = new IptablesState(config);
      for (const plan of follower.plans().reverse()) fresh.set(ownerOf(plan.servicePort), plan);
      expect(sorted(kernel.tables)).toEqual(sorted(shapeOf(fresh.tables())));
    }),
    { numRuns: 150 },
  );
});

describe('a state', () => {
  function withService(count: number): IptablesState {
    const view = new ServiceView();
    view.setService(service({ name: 'web' }));
    view.setSlice(
      slice(
        'web',
        Array.from({ length: count }, (_, i) => endpoint(`10.244.${i >> 8}.${i & 255}`, 'node-b')),
      ),
    );
    const state = new IptablesState(config);
    for (const plan of view.plans('demo/web', 'IPv4', nodeA)) state.set(ownerOf(plan.servicePort), plan);
    return state;
  }
  const text = (state: IptablesState) => state.tables().map(renderTable).join('');

  test('writes the names and the order of kube-proxy', () => {
    expect(text(withService(2)).match(/^-A KUBE-S(VC|EP|ERVICES).*web.*$/gm)).toEqual([
      '-A KUBE-SERVICES -m comment --comment "demo/web:http cluster IP" -m tcp -p tcp -d 10.96.0.10 --dport 80 -j KUBE-SVC-XRY76EGRC3BSCIIJ',
      '-A KUBE-SVC-XRY76EGRC3BSCIIJ -m comment --comment "demo/web:http cluster IP" -m tcp -p tcp -d 10.96.0.10 --dport 80 ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ',
      '-A KUBE-SVC-XRY76EGRC3BSCIIJ -m comment --comment "demo/web:http -> 10.244.0.0:8080" -m statistic --mode random --probability 0.5000000000 -j KUBE-SEP-I63E5PLXWEDS7UNV',
      '-A KUBE-SVC-XRY76EGRC3BSCIIJ -m comment --comment "demo/web:http -> 10.244.0.1:8080" -j KUBE-SEP-FATXNFBKJYE7OHXF',
      '-A KUBE-SEP-I63E5PLXWEDS7UNV -m comment --comment demo/web:http -s 10.244.0.0 -j KUBE-MARK-MASQ',
      '-A KUBE-SEP-I63E5PLXWEDS7UNV -m comment --comment demo/web:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.0:8080',
      '-A KUBE-SEP-FATXNFBKJYE7OHXF -m comment --comment demo/web:http -s 10.244.0.1 -j KUBE-MARK-MASQ',
      '-A KUBE-SEP-FATXNFBKJYE7OHXF -m comment --comment demo/web:http -m tcp -p tcp -j DNAT --to-destination 10.244.0.1:8080',
    ]);
  });

  test('leaves out the comments of endpoints where there are more than a thousand', () => {
    expect(text(withService(1000))).toContain('demo/web:http -> ');
    expect(text(withService(1001))).not.toContain('demo/web:http -> ');
  });

  test('removes the chains of Services that it does not know', () => {
    const [, nat] = withService(1).takeAll(['KUBE-SVC-OLD', 'KUBE-SVC-XRY76EGRC3BSCIIJ']);
    expect(renderUpdate(nat!).match(/^-X .*$/gm)).toEqual(['-X KUBE-SVC-OLD']);
  });
});
