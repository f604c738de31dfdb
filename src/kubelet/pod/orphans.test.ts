import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { settle } from '../../client/fake/settle.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { PodSandbox } from '../cri/messages.ts';
import { annotations, labels } from './identity.ts';
import { endOrphans } from './orphans.ts';

const sandbox = (uid: string, more: Record<string, string> = {}): PodSandbox => ({
  ...{ id: `s-${uid}`, metadata: undefined, state: 0, createdAt: 0, runtimeHandler: '' },
  labels: { [labels.podUID]: uid, [labels.podName]: 'p', [labels.podNamespace]: 'ns' },
  annotations: more,
});

test('pods that the API no longer has end once the runtime answers; volumes go of those alone that nobody has', async () => {
  const clock = new FakeClock();
  const known = new Set(['here']);
  const ended: Pod[] = [];
  const removed: string[] = [];
  const logged: string[] = [];
  let isAway = true;
  const over = endOrphans(
    {
      cri: {
        listPodSandbox: async () => {
          if (isAway) throw new Error('connection refused');
          return [sandbox('here'), sandbox('gone', { [annotations.terminationGracePeriod]: '7' }), sandbox('gone')];
        },
      },
      volumes: {
        known: async () => ['gone', 'here', 'stuck', 'left'],
        tearDown: async (uid: string) => {
          if (uid === 'stuck') throw new Error('EBUSY');
          removed.push(uid);
        },
      },
      clock,
      log: (line) => logged.push(line),
      isKnown: (uid) => known.has(uid),
      end: (pod) => {
        ended.push(pod);
        known.add(pod.metadata.uid ?? '');
      },
    },
    new AbortController().signal,
  );
  await settle();
  expect([ended, removed]).toEqual([[], []]);
  isAway = false;
  clock.advance(1000);
  await over;
  expect(ended.map(({ metadata, spec }) => [metadata.uid, spec.terminationGracePeriodSeconds])).toEqual([['gone', 7]]);
  expect(removed).toEqual(['left']);
  expect(logged).toEqual(['the volumes of pod stuck stay: EBUSY']);
});
