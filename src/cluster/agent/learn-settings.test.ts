import { expect, test } from 'vitest';
import type { Client, RawResponse } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { clusterSettings } from '../cluster-settings.ts';
import { forgetfulFiles } from '../shared-keys.ts';
import { learnSettings } from './learn-settings.ts';

const told = clusterSettings({
  clusterCIDRs: ['10.50.0.0/16'],
  serviceClusterIPRanges: ['10.60.0.0/16', 'fd00:60::/112'],
  clusterDomain: 'example.org',
});

/** A server that answers this, or is away. */
function client(answer?: { readonly status: number; readonly text: string }): Client {
  return {
    resource: () => expect.unreachable('no resource is asked for'),
    async raw({ path }): Promise<RawResponse> {
      if (!answer) throw new Error('nothing listens there');
      expect(path).toBe('/portico/v1/cluster');
      const { status, text } = answer;
      return {
        status,
        headers: {},
        body: (async function* () {
          yield Buffer.from(text);
        })(),
      };
    },
  };
}

function node(files = forgetfulFiles()) {
  const said: string[] = [];
  const options = { given: {}, folder: '/pki', clock: new FakeClock(), files, log: (line: string) => said.push(line) };
  return { said, options };
}

const signal = new AbortController().signal;

test('what the server says is kept for a start while it is away; a flag counts more than both', async () => {
  const files = forgetfulFiles();
  const { options, said } = node(files);
  const present = client({ status: 200, text: JSON.stringify(told) });
  expect(await learnSettings({ ...options, client: present }, signal)).toEqual(told);
  expect(told.clusterDNS).toEqual(['10.60.0.10']);
  const given = { clusterDomain: 'other.org' };
  expect(await learnSettings({ ...options, given, client: client() }, signal)).toEqual({ ...told, ...given });
  expect(said).toEqual(["the cluster's settings are those of the last start: nothing listens there"]);
});

test('a node that is told all by flags asks nobody', async () => {
  const { options, said } = node();
  expect(await learnSettings({ ...options, given: told, client: client() }, signal)).toEqual(told);
  expect(said).toEqual([]);
});

test('a node that knows nothing waits for the server', async () => {
  const { options, said } = node();
  const stop = new AbortController();
  const waiting = learnSettings({ ...options, client: client() }, stop.signal);
  stop.abort(new Error('ended'));
  await expect(waiting).rejects.toThrow();
  expect(said).toEqual([]);
});
