import { expect, test } from 'vitest';
import { parseSettings } from './settings.ts';

const resolvConf = 'nameserver 192.0.2.53\n';

test('settings as an operator writes them', () => {
  const parsed = parseSettings(
    {
      upstream: ['10.0.0.10', 'tls://9.9.9.9#dns.quad9.net'],
      stub: ['Example.Internal=10.0.0.11,10.0.0.12:5353', '10.in-addr.arpa.=10.0.0.13'],
      ttl: '5',
    },
    resolvConf,
  );
  expect(parsed).toMatchObject({
    kind: 'settings',
    settings: { ttl: 5, routes: { upstreams: [{ address: '10.0.0.10' }, { protocol: 'tls', port: 853 }] } },
  });
  const stubs = parsed.kind === 'settings' ? [...(parsed.settings.routes.stubs ?? [])] : [];
  expect(stubs.map(([domain, servers]) => [domain, servers.map(({ address, port }) => `${address}:${port}`)])).toEqual([
    ['example.internal.', ['10.0.0.11:53', '10.0.0.12:5353']],
    ['10.in-addr.arpa.', ['10.0.0.13:53']],
  ]);
});

test('without upstreams the machine’s own, with `none` nobody', () => {
  const upstreamsOf = (upstream?: string[]) => {
    const parsed = parseSettings({ upstream }, resolvConf);
    return parsed.kind === 'settings' && parsed.settings.routes.upstreams.map(({ address }) => address);
  };
  expect(upstreamsOf()).toEqual(['192.0.2.53']);
  expect(upstreamsOf(['none'])).toEqual([]);
});

test.each([
  [{ ttl: '4000' }, 'ttl 4000: must be 0 to 3600 seconds'],
  [{ ttl: 'x' }, 'ttl x: must be'],
  [{ upstream: ['dns.example'] }, 'upstream dns.example: must be ADDRESS'],
  [{ upstream: ['10.0.0.1', 'none'] }, 'upstream none: must be'],
  [{ stub: ['example.internal'] }, 'stub example.internal: must be DOMAIN=SERVER'],
  [{ stub: ['=10.0.0.1'] }, 'stub =10.0.0.1: must be'],
  [{ stub: ['.=10.0.0.1'] }, 'stub .=10.0.0.1: must be'],
  [{ stub: [`${'x'.repeat(64)}.example=10.0.0.1`] }, 'must be DOMAIN=SERVER'],
])('what is wrong with %j is said', (texts, message) => {
  const parsed = parseSettings(texts, resolvConf);
  expect(parsed).toMatchObject({ kind: 'wrong', message: expect.stringContaining(message) });
});
