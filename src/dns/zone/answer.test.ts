import { describe, expect, test } from 'vitest';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { zoneText } from '../fake/zone-text.ts';
import { CLASS_IN, RCODE, TYPE } from '../wire/message.ts';
import { answer, type ZoneConfig } from './answer.ts';
import { ClusterZone } from './view.ts';

const config: ZoneConfig = { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: ['172.30.0.11'] };

function service(name: string, spec: Service['spec']): Service {
  return { metadata: { name, namespace: 'demo' }, spec };
}

function slice(serviceName: string, parts: Partial<EndpointSlice>): EndpointSlice {
  return {
    metadata: {
      name: `${serviceName}-abc`,
      namespace: 'demo',
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType: 'IPv4',
    endpoints: [],
    ...parts,
  };
}

function zone(): ClusterZone {
  const view = new ClusterZone();
  view.serial = 7;
  for (const name of ['demo', 'default']) view.setNamespace({ metadata: { name }, spec: {} });
  view.setService(
    service('web', {
      clusterIPs: ['10.96.0.7', 'fd00:96::7'],
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
  );
  view.setSlice(
    slice('web', {
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [{ addresses: ['10.244.1.5'] }, { addresses: ['10.244.1.6'], hostname: 'named' }],
    }),
  );
  view.setService(service('db', { clusterIP: 'None', ports: [{ name: 'peer', port: 1 }] }));
  view.setSlice(
    slice('db', {
      ports: [{ name: 'peer', port: 7000, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['10.244.1.1'], hostname: 'db-0' },
        { addresses: ['10.244.1.2'], hostname: 'db-1', conditions: { ready: false } },
      ],
    }),
  );
  view.setService(service('bare', { clusterIP: 'None' }));
  view.setSlice(slice('bare', { ports: [], endpoints: [{ addresses: ['10.244.1.9'] }] }));
  view.setService(service('alias', { type: 'ExternalName', externalName: 'web.demo.svc.cluster.local' }));
  view.setService(service('twice', { type: 'ExternalName', externalName: 'alias.demo.svc.cluster.local.' }));
  view.setService(service('loop', { type: 'ExternalName', externalName: 'loop.demo.svc.cluster.local' }));
  view.setService(service('out', { type: 'ExternalName', externalName: 'example.com' }));
  view.setService(service('numeric', { type: 'ExternalName', externalName: '192.0.2.1' }));
  view.setService(service('long', { type: 'ExternalName', externalName: `${'a'.repeat(64)}.example` }));
  return view;
}

const soa = 'cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 7 7200 1800 86400 30';

function ask(name: string, type: keyof typeof TYPE, overrides: Partial<ZoneConfig> = {}, view = zone()): string[] {
  const reply = answer(view, { name, type: TYPE[type], class: CLASS_IN }, { ...config, ...overrides });
  const rcode = Object.keys(RCODE).find((key) => RCODE[key as keyof typeof RCODE] === reply.rcode);
  const additional = reply.additional.map((r) => `+ ${zoneText(r)}`);
  return [rcode ?? '', ...reply.answers.map(zoneText), ...reply.authority.map(zoneText), ...additional];
}

describe('answers of the cluster zone', () => {
  const cases: [string, keyof typeof TYPE, string[]][] = [
    ['web.demo.svc.cluster.local.', 'A', ['NOERROR', 'web.demo.svc.cluster.local. 30 IN A 10.96.0.7']],
    ['Web.Demo.svc.cluster.LOCAL.', 'AAAA', ['NOERROR', 'Web.Demo.svc.cluster.LOCAL. 30 IN AAAA fd00:96::7']],
    ['web.demo.svc.cluster.local.', 'TXT', ['NOERROR', soa]],
    ['web.demo.svc.cluster.local.', 'CNAME', ['NOERROR', soa]],
    ['web.demo.svc.cluster.local.', 'SOA', ['NOERROR', soa]],
    ['web.demo.svc.cluster.local.', 'AXFR', ['REFUSED']],
    ['nothing.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['nothing.demo.svc.cluster.local.', 'MX', ['NXDOMAIN', soa]],
    [
      '_http._tcp.web.demo.svc.cluster.local.',
      'SRV',
      [
        'NOERROR',
        '_http._tcp.web.demo.svc.cluster.local. 30 IN SRV 0 50 80 web.demo.svc.cluster.local.',
        '+ web.demo.svc.cluster.local. 30 IN A 10.96.0.7',
        '+ web.demo.svc.cluster.local. 30 IN AAAA fd00:96::7',
      ],
    ],
    [
      'http.tcp.web.demo.svc.cluster.local.',
      'A',
      ['NOERROR', 'http.tcp.web.demo.svc.cluster.local. 30 IN A 10.96.0.7'],
    ],
    ['_http._udp.web.demo.svc.cluster.local.', 'SRV', ['NXDOMAIN', soa]],
    ['*.web.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['named.web.demo.svc.cluster.local.', 'A', ['NOERROR', 'named.web.demo.svc.cluster.local. 30 IN A 10.244.1.6']],
    ['10-244-1-6.web.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['db.demo.svc.cluster.local.', 'A', ['NOERROR', 'db.demo.svc.cluster.local. 30 IN A 10.244.1.1']],
    ['db-1.db.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    [
      'db.demo.svc.cluster.local.',
      'SRV',
      [
        'NOERROR',
        'db.demo.svc.cluster.local. 30 IN SRV 0 100 7000 db-0.db.demo.svc.cluster.local.',
        '+ db-0.db.demo.svc.cluster.local. 30 IN A 10.244.1.1',
      ],
    ],
    ['bare.demo.svc.cluster.local.', 'A', ['NOERROR', 'bare.demo.svc.cluster.local. 30 IN A 10.244.1.9']],
    ['bare.demo.svc.cluster.local.', 'SRV', ['NOERROR', soa]],
    [
      'alias.demo.svc.cluster.local.',
      'CNAME',
      ['NOERROR', 'alias.demo.svc.cluster.local. 30 IN CNAME web.demo.svc.cluster.local.'],
    ],
    [
      'twice.demo.svc.cluster.local.',
      'A',
      [
        'NOERROR',
        'twice.demo.svc.cluster.local. 30 IN CNAME alias.demo.svc.cluster.local.',
        'alias.demo.svc.cluster.local. 30 IN CNAME web.demo.svc.cluster.local.',
        'web.demo.svc.cluster.local. 30 IN A 10.96.0.7',
      ],
    ],
    ['loop.demo.svc.cluster.local.', 'A', ['NOERROR', soa]],
    ['alias.demo.svc.cluster.local.', 'SRV', ['NOERROR', soa]],
    ['_x._tcp.alias.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['numeric.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['long.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['cluster.local.', 'A', ['NOERROR', soa]],
    ['cluster.local.', 'SOA', ['NOERROR', soa]],
    [
      'cluster.local.',
      'NS',
      ['NOERROR', 'cluster.local. 30 IN NS ns.dns.cluster.local.', '+ ns.dns.cluster.local. 30 IN A 172.30.0.11'],
    ],
    ['ns.dns.cluster.local.', 'A', ['NOERROR', 'ns.dns.cluster.local. 30 IN A 172.30.0.11']],
    ['dns-version.cluster.local.', 'TXT', ['NOERROR', 'dns-version.cluster.local. 28800 IN TXT "1.1.0"']],
    ['svc.cluster.local.', 'A', ['NOERROR', soa]],
    ['demo.svc.cluster.local.', 'A', ['NOERROR', soa]],
    ['ns.dns.cluster.local.', 'SRV', ['NOERROR', soa]],
    ['absent.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['a.b.c.web.demo.svc.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['web.demo.other.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['10-1-2-3.demo.pod.cluster.local.', 'A', ['NOERROR', '10-1-2-3.demo.pod.cluster.local. 30 IN A 10.1.2.3']],
    ['10-1-2-3.demo.pod.cluster.local.', 'AAAA', ['NOERROR', soa]],
    ['10-1-2-3.demo.pod.cluster.local.', 'TXT', ['NOERROR', soa]],
    ['10-1-2-3.demo.pod.cluster.local.', 'SRV', ['NOERROR', soa]],
    ['fd00--1.demo.pod.cluster.local.', 'AAAA', ['NOERROR', 'fd00--1.demo.pod.cluster.local. 30 IN AAAA fd00::1']],
    ['10-1-2-300.demo.pod.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['10-1-2-03.demo.pod.cluster.local.', 'A', ['NXDOMAIN', soa]],
    ['7.0.96.10.in-addr.arpa.', 'PTR', ['NOERROR', '7.0.96.10.in-addr.arpa. 30 IN PTR web.demo.svc.cluster.local.']],
    [
      '1.1.244.10.in-addr.arpa.',
      'PTR',
      ['NOERROR', '1.1.244.10.in-addr.arpa. 30 IN PTR db-0.db.demo.svc.cluster.local.'],
    ],
  ];
  test.each(cases)('%s %s', (name, type, expected) => {
    expect(ask(name, type)).toEqual(expected);
  });

  test('names that the zone makes are in the case of the question', () => {
    const soaAs = (z: string) => `${z} 30 IN SOA ns.dns.${z} hostmaster.${z} 7 7200 1800 86400 30`;
    expect(ask('absent.demo.svc.ClUsTeR.lOcAl.', 'A')).toEqual(['NXDOMAIN', soaAs('ClUsTeR.lOcAl.')]);
    expect(ask('CLUSTER.local.', 'SOA')).toEqual(['NOERROR', soaAs('CLUSTER.local.')]);
    expect(ask('CLUSTER.local.', 'NS')).toEqual([
      'NOERROR',
      'CLUSTER.local. 30 IN NS ns.dns.CLUSTER.local.',
      '+ ns.dns.CLUSTER.local. 30 IN A 172.30.0.11',
    ]);
    expect(ask('_HTTP._tcp.WEB.demo.svc.cluster.LOCAL.', 'SRV')).toEqual([
      'NOERROR',
      '_HTTP._tcp.WEB.demo.svc.cluster.LOCAL. 30 IN SRV 0 50 80 web.demo.svc.cluster.LOCAL.',
      '+ web.demo.svc.cluster.LOCAL. 30 IN A 10.96.0.7',
      '+ web.demo.svc.cluster.LOCAL. 30 IN AAAA fd00:96::7',
    ]);
    expect(ask('7.0.96.10.IN-ADDR.arpa.', 'PTR')[1]).toContain('PTR web.demo.svc.cluster.local.');
  });

  test.each([
    ['a pod', '10-1-2-3.default.pod.cluster.local', ['10-1-2-3.default.pod.cluster.local. 30 IN A 10.1.2.3']],
    ['an endpoint', 'db-0.db.demo.svc.cluster.local', ['db-0.db.demo.svc.cluster.local. 30 IN A 10.244.1.1']],
    ['this server', 'ns.dns.cluster.local', ['ns.dns.cluster.local. 30 IN A 172.30.0.11']],
    ['what has other records', 'cluster.local', undefined],
    ['what is not there', 'absent.demo.svc.cluster.local', undefined],
    ['itself in capitals', 'TO.demo.svc.cluster.local', undefined],
  ])('an alias inside the zone to %s', (_, externalName, records) => {
    const view = zone();
    view.setService(service('to', { type: 'ExternalName', externalName }));
    const cname = `to.demo.svc.cluster.local. 30 IN CNAME ${externalName}.`;
    expect(ask('to.demo.svc.cluster.local.', 'A', {}, view)).toEqual(
      records ? ['NOERROR', cname, ...records] : ['NOERROR', soa],
    );
  });

  test('a chain of aliases has an end', () => {
    const view = zone();
    const target = (i: number, length: number) => (i < length ? `chain-${length}-${i}` : 'web');
    for (const length of [10, 11]) {
      for (let i = 0; i < length; i++) {
        const externalName = `${target(i + 1, length)}.demo.svc.cluster.local`;
        view.setService(service(target(i, length), { type: 'ExternalName', externalName }));
      }
    }
    expect(ask('chain-10-0.demo.svc.cluster.local.', 'A', {}, view)).toHaveLength(1 + 10 + 1);
    expect(ask('chain-11-0.demo.svc.cluster.local.', 'A', {}, view)).toEqual(['NOERROR', soa]);
  });

  test('an alias depends on all that it leads over', () => {
    const view = zone();
    view.setService(service('to', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }));
    const question = { name: 'to.demo.svc.cluster.local.', type: TYPE.A, class: CLASS_IN };
    expect(new Set(answer(view, question, config).dependencies)).toEqual(
      new Set(['demo/', 'demo/to', 'default/', 'default/web']),
    );
  });

  test('a Service that has no address yet is not headless', () => {
    const view = zone();
    view.setService(service('new', { ports: [{ name: 'http', port: 80 }] }));
    view.setSlice(slice('new', { endpoints: [{ addresses: ['10.244.1.3'] }] }));
    expect(ask('new.demo.svc.cluster.local.', 'A', {}, view)).toEqual(['NXDOMAIN', soa]);
  });

  test('a port without a number is in no SRV record', () => {
    const view = zone();
    view.setService(service('any', { clusterIP: 'None' }));
    view.setSlice(slice('any', { ports: [{ name: 'x' }], endpoints: [{ addresses: ['10.244.1.3'] }] }));
    expect(ask('any.demo.svc.cluster.local.', 'A', {}, view)).toHaveLength(2);
    expect(ask('any.demo.svc.cluster.local.', 'SRV', {}, view)).toEqual(['NOERROR', soa]);
  });

  test('an endpoint in two slices of its Service has one name', () => {
    const view = zone();
    const again = slice('db', { endpoints: [{ addresses: ['10.244.1.1'], hostname: 'db-0' }] });
    view.setSlice({ ...again, metadata: { ...again.metadata, name: 'db-def' } });
    expect(ask('1.1.244.10.in-addr.arpa.', 'PTR', {}, view)).toHaveLength(2);
  });

  test('an alias that leads out of the zone says whom to ask', () => {
    const question = { name: 'out.demo.svc.cluster.local.', type: TYPE.A, class: CLASS_IN };
    const reply = answer(zone(), question, config);
    expect(reply.follow).toBe('example.com.');
    expect(reply.answers.map(zoneText)).toEqual(['out.demo.svc.cluster.local. 30 IN CNAME example.com.']);
  });

  describe('a headless Service whose slice holds names (FQDN)', () => {
    const named = (...parts: Partial<EndpointSlice>[]) => {
      const view = zone();
      view.setService(service('far', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }));
      for (const [i, part] of parts.entries()) {
        const one = slice('far', { addressType: 'FQDN', ports: [{ name: 'sql', port: 5432 }], ...part });
        view.setSlice({ ...one, metadata: { ...one.metadata, name: `far-${i}` } });
      }
      return view;
    };
    const outside = { endpoints: [{ addresses: ['db.example.com'] }, { addresses: ['other.example.com'] }] };
    const name = 'far.demo.svc.cluster.local.';

    test.each(['A', 'AAAA', 'CNAME'] as const)('is another name of the first, for %s', (type) => {
      const reply = answer(named(outside), { name, type: TYPE[type], class: CLASS_IN }, config);
      expect(reply.answers.map(zoneText)).toEqual([`${name} 30 IN CNAME db.example.com.`]);
      expect(reply.follow).toBe(type === 'CNAME' ? undefined : 'db.example.com.');
    });

    test('by its port and by its endpoint, too; SRV records lead to no other name', () => {
      const view = named(outside);
      expect(ask(`_sql._tcp.${name}`, 'A', {}, view)[1]).toContain('CNAME db.example.com.');
      expect(ask(`other-example-com.${name}`, 'A', {}, view)[1]).toContain('CNAME other.example.com.');
      expect(ask(`_sql._tcp.${name}`, 'SRV', {}, view)).toEqual(['NOERROR', soa]);
    });

    test('leads on within the zone, and never to itself', () => {
      const inside = named({ endpoints: [{ addresses: ['web.demo.svc.cluster.local'] }] });
      expect(ask(name, 'A', {}, inside)).toEqual([
        'NOERROR',
        `${name} 30 IN CNAME web.demo.svc.cluster.local.`,
        'web.demo.svc.cluster.local. 30 IN A 10.96.0.7',
      ]);
      expect(ask(name, 'A', {}, named({ endpoints: [{ addresses: [name] }] }))).toEqual(['NOERROR', soa]);
    });

    test('has its addresses, where it has some, and no name while none is ready', () => {
      const mixed = named(outside, { addressType: 'IPv4', endpoints: [{ addresses: ['10.244.1.8'] }] });
      expect(ask(name, 'A', {}, mixed)).toEqual(['NOERROR', `${name} 30 IN A 10.244.1.8`]);
      const unready = named({ endpoints: [{ addresses: ['db.example.com'], conditions: { ready: false } }] });
      expect(ask(name, 'A', {}, unready)[0]).toBe('NXDOMAIN');
    });
  });

  test('the reverse name of an IPv6 ClusterIP', () => {
    const name = `${'7.0.0.0.'.padEnd(48, '0.')}6.9.0.0.0.0.d.f.ip6.arpa.`;
    expect(ask(name, 'PTR')[1]).toContain('PTR web.demo.svc.cluster.local.');
  });

  test('verified pod names need a live pod of that address', () => {
    const view = zone();
    const name = '10-1-2-3.demo.pod.cluster.local.';
    expect(ask(name, 'A', { pods: 'verified' }, view)[0]).toBe('NXDOMAIN');
    const pod = {
      metadata: { name: 'p', namespace: 'demo' },
      spec: { containers: [] },
      status: { phase: 'Running', podIPs: [{ ip: '10.1.2.3' }] },
    };
    view.setPod(pod);
    expect(ask(name, 'A', { pods: 'verified' }, view)[0]).toBe('NOERROR');
    view.deletePod(pod);
    expect(ask(name, 'A', { pods: 'verified' }, view)[0]).toBe('NXDOMAIN');
    expect(ask(name, 'A', { pods: 'disabled' }, view)[0]).toBe('NXDOMAIN');
  });

  test('with a Service before this server, NS names that Service', () => {
    const view = zone();
    view.setService(service('kube-dns', { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [] }));
    view.setSlice(slice('kube-dns', { ports: [], endpoints: [{ addresses: ['172.30.0.11'] }] }));
    expect(ask('cluster.local.', 'NS', {}, view)).toEqual([
      'NOERROR',
      'cluster.local. 30 IN NS kube-dns.demo.svc.cluster.local.',
      '+ kube-dns.demo.svc.cluster.local. 30 IN A 10.96.0.10',
    ]);
    expect(ask('ns.dns.cluster.local.', 'A', {}, view)[1]).toBe('ns.dns.cluster.local. 30 IN A 10.96.0.10');
    expect(ask('ns.dns.in-addr.arpa.', 'A', {}, view)[1]).toBe('ns.dns.in-addr.arpa. 30 IN A 10.96.0.10');
    expect(ask('in-addr.arpa.', 'NS', {}, view)[1]).toBe('in-addr.arpa. 30 IN NS kube-dns.demo.svc.cluster.local.');
  });

  test('with a headless Service before it, all servers of that Service', () => {
    const view = zone();
    view.setService(service('dns', { clusterIP: 'None' }));
    const endpoints = [{ addresses: ['172.30.0.11'] }, { addresses: ['172.30.0.12'] }];
    view.setSlice(slice('dns', { ports: [], endpoints }));
    const names = slice('dns', { addressType: 'FQDN', endpoints: [{ addresses: ['dns.example.com'] }] });
    view.setSlice({ ...names, metadata: { ...names.metadata, name: 'names' } });
    expect(ask('cluster.local.', 'NS', {}, view)).toEqual([
      'NOERROR',
      'cluster.local. 30 IN NS 172-30-0-11.dns.demo.svc.cluster.local.',
      'cluster.local. 30 IN NS 172-30-0-12.dns.demo.svc.cluster.local.',
      '+ 172-30-0-11.dns.demo.svc.cluster.local. 30 IN A 172.30.0.11',
      '+ 172-30-0-12.dns.demo.svc.cluster.local. 30 IN A 172.30.0.12',
    ]);
  });

  test('an empty reverse name is not found under its own zone', () => {
    expect(ask('07.0.96.10.in-addr.arpa.', 'PTR')[0]).toBe('NXDOMAIN');
    expect(ask('9.9.9.9.in-addr.arpa.', 'PTR')).toEqual([
      'NXDOMAIN',
      'in-addr.arpa. 30 IN SOA ns.dns.in-addr.arpa. hostmaster.in-addr.arpa. 7 7200 1800 86400 30',
    ]);
  });

  test('a Service that goes takes its names with it', () => {
    const view = zone();
    view.deleteService(service('web', {}));
    expect(ask('web.demo.svc.cluster.local.', 'A', {}, view)[0]).toBe('NXDOMAIN');
    expect(ask('7.0.96.10.in-addr.arpa.', 'PTR', {}, view)[0]).toBe('NXDOMAIN');
  });
});
