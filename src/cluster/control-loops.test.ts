import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { prepareControlLoops } from './control-loops.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What the loops ask for at first, by path. */
async function firstRequests(scheduler?: boolean): Promise<readonly string[]> {
  const asked: string[] = [];
  const stop = new AbortController();
  const loops = await prepareControlLoops({
    transport: {
      request({ path, signal }) {
        asked.push(path);
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    controllers: ['-*'],
    ...(scheduler !== undefined && { scheduler }),
    clusterCIDRs: [],
    serviceClusterIPRanges: [],
    ca: { certPem: '', keyPem: '' },
    serviceAccountKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    clock: new FakeClock(),
    onError() {},
  });
  void loops(stop.signal);
  await new Promise(setImmediate);
  stop.abort();
  return asked;
}

test('the scheduler may be left to another program', async () => {
  expect(await firstRequests()).toEqual(expect.arrayContaining(['/api/v1/nodes', '/api/v1/pods']));
  expect(await firstRequests(true)).toContain('/api/v1/nodes');
  expect(await firstRequests(false)).toEqual([]);
});
