import { expect, test, vi } from 'vitest';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { Storage } from '../storage/storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { type KeysConfig, openKeys, renewCertificates } from './server-keys.ts';

test('what a server shows as a client is renewed while it runs, as its own certificate is', async () => {
  const errors: unknown[] = [];
  const config: KeysConfig = {
    dataDir: undefined,
    listen: [{ host: '127.0.0.1', port: 6443 }],
    advertise: [],
    serviceClusterIPRanges: ['10.96.0.0/16'],
    clusterDomain: undefined,
    datastore: undefined,
    onError: (error) => errors.push(error),
  };
  const { pki, files } = await openKeys(config, {} as Storage);
  const clock = new FakeClock(Date.now());
  const told: Pki[] = [];
  const stop = new AbortController();
  const renewed = (next: Pki) => void told.push(next);
  const running = renewCertificates(config, { pki, files, clock, renewed, signal: stop.signal });
  clock.advance(300 * 24 * 3_600_000);
  await vi.waitFor(() => expect(told).toHaveLength(1));
  const [next] = told;
  expect(next!.ca.certPem).toBe(pki.ca.certPem);
  for (const of of [(p: Pki) => p.server, (p: Pki) => p.admin, (p: Pki) => p.frontProxy.client]) {
    expect(of(next!).certPem).not.toBe(of(pki).certPem);
  }
  stop.abort();
  await running;
  expect(errors).toEqual([]);
});
