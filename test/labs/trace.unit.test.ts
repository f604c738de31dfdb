// Traces, offline, of every probe of the packet lab (../shared/proxy-lab): in each mode they name the outcome that was
// recorded under kube-proxy v1.36.2's rules.
import { describe, expect, test } from 'vitest';
import type { Pod, Service } from '../../src/api/core/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../src/apimachinery/object.ts';
import { type From, parseTo } from '../../src/explain/trace/ends.ts';
import { traceText } from '../../src/explain/trace/text.ts';
import type { Trace } from '../../src/explain/trace/trace.ts';
import { tracePacket } from '../../src/explain/trace/trace-packet.ts';
import type { ProxyMode } from '../../src/proxy/settings.ts';
import { ipvsDifferences } from './ipvs-differences.ts';
import { cases, labText, objectsOf } from './proxy-cases.ts';

function podOf(name: string, ips: readonly string[]): Pod {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default' },
    spec: { nodeName: 'node-a', containers: [] },
    status: { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) },
  } as unknown as Pod;
}

const client = podOf('client', ['10.244.1.250', 'fd00:10:244:1::fa']);
const nodeAddresses = ['172.18.0.2', 'fd00:172:18::2', '10.244.1.1', 'fd00:10:244:1::1'];
const outside = { IPv4: '172.18.0.100', IPv6: 'fd00:172:18::100' } as const;
const outsideAddresses: readonly string[] = Object.values(outside);

/** What the lab would have recorded of a trace. */
function seen({ outcomes, from: sender }: Trace): string[] {
  const words = outcomes.map(({ result, destination, target, source }) => {
    // Whatever address a process of the node takes, it is the node.
    const isNode = sender.text.startsWith('node ') || nodeAddresses.includes(source);
    if (result === 'leaves the cluster')
      return beyondTheEdge([...nodeAddresses, ...outsideAddresses].includes(sender.address));
    if (result === 'dropped') return 'timeout';
    // The lab's node itself listens nowhere.
    if (result === 'refused' || target.startsWith('node ')) return 'refused';
    const at = destination.lastIndexOf(':');
    return `${destination.slice(0, at).replace(/[[\]]/g, '')} ${destination.slice(at + 1)} from ${isNode ? 'node' : 'client'}`;
  });
  return [...new Set(words)].sort();
}

/**
 * The lab's outside sends what it knows no way for back to the node (lab.py: both have each other as default gateway), until
 * its hops are used up and it is refused; save that neither of the two takes a packet from its own address.
 */
const beyondTheEdge = (isFromEitherEnd: boolean) => (isFromEitherEnd ? 'timeout' : 'refused');

/** The real servers of each virtual server that kube-proxy v1.36.2 itself wrote, as `ADDRESS PORT`; of IPv4 only. */
function recordedServers(name: string): ReadonlyMap<string, readonly string[]> {
  const servers = new Map<string, string[]>();
  for (const line of labText('rules', `${name}.ipvs`).split('\n')) {
    const [, verb, flag = '', server = '', real] = /^-(A|a) (-[tu]) (\S+)(?: -r (\S+))?/.exec(line) ?? [];
    const key = `${server}/${flag === '-t' ? 'TCP' : 'UDP'}`;
    if (verb === 'A') servers.set(key, []);
    if (verb === 'a') servers.get(key)?.push((real ?? '').replace(':', ' '));
  }
  return servers;
}

interface Probe {
  readonly from: From;
  readonly to: string;
  readonly objects: readonly KubeObject[];
  readonly mode: ProxyMode;
}

function traced({ from, to, objects, mode }: Probe): Trace {
  return tracePacket({
    objects,
    from,
    to: parseTo(to),
    settings: {
      mode,
      clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
      serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
      nodePortAddresses: [],
    },
    clusterDomain: 'cluster.local',
    entryNode: 'node-a',
  });
}

/** Whoever answers first answers the same client's next connections, too. */
const isKept = ({ destination, nextTime }: Trace['outcomes'][number]) => nextTime.join() === destination;

/** Sixteen clients from outside, one after the other: what must come about, and what may by the shares. */
function sixteenClients(service: Service, objects: readonly KubeObject[], mode: ProxyMode): string {
  const { clusterIP = '', ports = [] } = service.spec;
  const traces = Array.from({ length: 16 }, (_, i) =>
    traced({
      ...{ objects, mode, to: `${clusterIP}:${ports[0]?.port}` },
      from: { kind: 'external', address: `172.18.0.${101 + i}` },
    }),
  );
  const kept = traces.every(({ outcomes }) => outcomes.every(isKept));
  const [first, ...others] = traces.map(({ outcomes }) => new Map(outcomes.map((o) => [o.destination, o.probability])));
  // How likely it is that one endpoint gets them all.
  const allByOne = [...(first ?? [])].reduce(
    (sum, [destination, share]) =>
      sum + others.reduce((product, other) => product * (other.get(destination) ?? 0), share),
    0,
  );
  const spread = allByOne > 0.999 ? 'and all by the same' : allByOne < 0.001 ? 'not all by the same' : 'as it happens';
  return `${kept ? 'each is kept by one endpoint' : 'some client is not kept'}, ${spread}`;
}

describe.skipIf(cases.length === 0).each<ProxyMode>(['nftables', 'iptables', 'ipvs'])(
  'traces of the packet lab, %s',
  (mode) => {
    test.each(cases)('%s', (name) => {
      const recorded = JSON.parse(labText('outcomes', `${name}.json`)) as Readonly<
        Record<string, Readonly<Record<string, readonly string[]>>>
      >;
      const known: Readonly<Record<string, readonly string[]>> =
        mode === 'ipvs' ? Object.assign({}, ...ipvsDifferences.map(({ probes }) => probes)) : {};
      const virtualServers = mode === 'ipvs' ? recordedServers(name) : new Map<string, readonly string[]>();
      const own = objectsOf(name);
      const objects = [...objectsOf('_cluster'), ...own, client];
      for (const [probe, outcome] of Object.entries(recorded[mode === 'nftables' ? 'nftables' : 'iptables']!)) {
        const [, many] = /^16 clients, 5 times each -> (\S+) cluster-ip$/.exec(probe) ?? [];
        if (many !== undefined) {
          const service = own.find(({ kind, metadata }) => kind === 'Service' && objectKey({ metadata }) === many);
          expect.soft([sixteenClients(service as Service, objects, mode)], probe).toEqual(outcome);
          continue;
        }
        const [, who, endpoint, address = '', port, protocol] =
          /^(?:(pod|node|ext)|endpoint (\S+)) -> \S+ \S+ (\S+):(\d+)\/(\S+)$/.exec(probe)!;
        const host = address.includes(':') ? `[${address}]` : address;
        const sender = podOf('sender', endpoint ? [endpoint] : []);
        const trace = traced({
          mode,
          objects: endpoint ? [...objects, sender] : objects,
          from:
            who === 'ext'
              ? { kind: 'external', address: outside[address.includes(':') ? 'IPv6' : 'IPv4'] }
              : who === 'node'
                ? { kind: 'node', name: 'node-a' }
                : { kind: 'pod', namespace: 'default', name: who === 'pod' ? 'client' : 'sender' },
          to: `${host}:${port}/${protocol}`,
        });
        const found = seen(trace);
        const expected = known[probe] ?? outcome;
        const why = `${probe}\n${traceText(trace, { isInFull: true })}`;
        const real = virtualServers.get(`${address}:${port}/${protocol}`);
        // A wall of source ranges drops what the virtual server would take.
        if (real && !expected.includes('timeout')) {
          const answering = found.map((word) => word.replace(/ from \w+$/, ''));
          expect.soft(answering, why).toEqual(real.length === 0 ? ['refused'] : real.toSorted());
        }
        if (expected.some((word) => word.endsWith('endpoint'))) {
          // Which endpoint keeps the client is chance; that one does, and that it answers, is not.
          expect.soft(expected, probe).toEqual(['1 endpoint']);
          expect.soft(trace.service?.affinity, probe).toMatch(/^spec\.sessionAffinity: ClientIP /);
          expect.soft([...new Set(trace.outcomes.map(({ result }) => result))], probe).toEqual(['arrives']);
          expect
            .soft(
              trace.outcomes.filter((one) => !isKept(one)),
              why,
            )
            .toEqual([]);
        } else expect.soft(found, why).toEqual(expected);
      }
    });
  },
);
