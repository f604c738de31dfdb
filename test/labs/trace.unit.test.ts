// Traces, offline, of every probe of the packet lab (../shared/proxy-lab): in each mode they name the outcome that was
// recorded under kube-proxy v1.36.2's rules.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Pod } from '../../src/api/core/v1/types.generated.ts';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { parseTo } from '../../src/explain/trace/ends.ts';
import { traceText } from '../../src/explain/trace/text.ts';
import type { Trace } from '../../src/explain/trace/trace.ts';
import { tracePacket } from '../../src/explain/trace/trace-packet.ts';
import type { ProxyMode } from '../../src/proxy/settings.ts';
import { shared } from '../fixtures/portico-process.ts';
import { ipvsDifferences } from './ipvs-differences.ts';

const lab = join(shared, 'proxy-lab');
const cases = existsSync(lab)
  ? readdirSync(join(lab, 'cases'))
      .filter((file) => file.endsWith('.yaml') && !file.startsWith('_'))
      .map((file) => file.slice(0, -'.yaml'.length))
  : [];

function objectsIn(file: string): KubeObject[] {
  const documents = [...parseAllDocuments(readFileSync(join(lab, 'cases', `${file}.yaml`), 'utf8'))];
  return documents.map((document) => document.toJS() as KubeObject);
}

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

/** What the lab would have recorded of a trace; undefined for what leaves the cluster, where the lab's own routes decide. */
function seen({ outcomes, from: sender }: Trace): string[] | undefined {
  if (outcomes.some(({ result }) => result === 'leaves the cluster')) return undefined;
  const words = outcomes.map(({ result, destination, target, source }) => {
    if (result === 'dropped') return 'timeout';
    // The lab's node itself listens nowhere.
    if (result === 'refused' || target.startsWith('node ')) return 'refused';
    const at = destination.lastIndexOf(':');
    // Whatever address a process of the node takes, it is the node.
    const isNode = sender.text.startsWith('node ') || nodeAddresses.includes(source);
    return `${destination.slice(0, at).replace(/[[\]]/g, '')} ${destination.slice(at + 1)} from ${isNode ? 'node' : 'client'}`;
  });
  return [...new Set(words)].sort();
}

describe.skipIf(cases.length === 0).each<ProxyMode>(['nftables', 'iptables', 'ipvs'])(
  'traces of the packet lab, %s',
  (mode) => {
    test.each(cases)('%s', (name) => {
      const recorded = JSON.parse(readFileSync(join(lab, 'outcomes', `${name}.json`), 'utf8')) as Readonly<
        Record<string, Readonly<Record<string, readonly string[]>>>
      >;
      const known: Readonly<Record<string, readonly string[]>> =
        mode === 'ipvs' ? Object.assign({}, ...ipvsDifferences.map(({ probes }) => probes)) : {};
      const own = objectsIn(name);
      const objects = [...objectsIn('_cluster'), ...own, client];
      for (const [probe, outcome] of Object.entries(recorded[mode === 'nftables' ? 'nftables' : 'iptables']!)) {
        const [, who, endpoint, address = '', port, protocol] =
          /^(?:(pod|node|ext)|endpoint (\S+)) -> \S+ \S+ (\S+):(\d+)\/(\S+)$/.exec(probe) ?? [];
        // Many clients at once are no single packet.
        if (port === undefined) continue;
        const host = address.includes(':') ? `[${address}]` : address;
        const sender = podOf('sender', endpoint ? [endpoint] : []);
        const trace = tracePacket({
          objects: endpoint ? [...objects, sender] : objects,
          from:
            who === 'ext'
              ? { kind: 'external', address: outside[address.includes(':') ? 'IPv6' : 'IPv4'] }
              : who === 'node'
                ? { kind: 'node', name: 'node-a' }
                : { kind: 'pod', namespace: 'default', name: who === 'pod' ? 'client' : 'sender' },
          to: parseTo(`${host}:${port}/${protocol}`),
          settings: {
            mode,
            clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
            serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
            nodePortAddresses: [],
          },
          clusterDomain: 'cluster.local',
          entryNode: 'node-a',
        });
        const expected = known[probe] ?? outcome;
        if (expected.some((word) => word.endsWith('endpoint'))) {
          // Which endpoint keeps the client is chance; that one does, and that it answers, is not.
          expect.soft(expected, probe).toEqual(['1 endpoint']);
          expect.soft(trace.service?.affinity, probe).toMatch(/^spec\.sessionAffinity: ClientIP /);
          expect.soft([...new Set(trace.outcomes.map(({ result }) => result))], probe).toEqual(['arrives']);
          continue;
        }
        const found = seen(trace) ?? [expected[0] === 'timeout' ? 'timeout' : 'refused'];
        expect.soft(found, `${probe}\n${traceText(trace, { isInFull: true })}`).toEqual(expected);
      }
    });
  },
);
