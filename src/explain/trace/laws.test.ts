// Whatever the cluster and the packet: what a trace says agrees with itself, with the other mode's, and with the shares that
// plans and pictures show; and who is to blame is to blame, for without it the packet fares otherwise.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { joinHostPort } from '../../net/ip.ts';
import { ServiceView } from '../../proxy/service-view.ts';
import type { ProxyMode, ProxySettings } from '../../proxy/settings.ts';
import {
  arbitraryCluster,
  arbitrarySettings,
  clusterCIDRs,
  nodes,
  podAddress,
  type Question,
  questionsOf,
  serviceCIDRs,
  slicePorts,
} from '../fixtures/cluster.ts';
import { sharesOf } from '../shares.ts';
import { traceText } from './text.ts';
import type { Cause, Trace } from './trace.ts';
import { tracePacket } from './trace-packet.ts';

const runs = Number(process.env.FUZZ_RUNS ?? 20);

interface Asked extends Question {
  readonly objects: readonly KubeObject[];
  readonly settings: ProxySettings;
}

const ask = (asked: Asked): Trace => tracePacket({ ...asked, clusterDomain: 'cluster.local', entryNode: 'a' });

/** A cluster, and some of the questions that can be asked of it. */
const arbitraryQuestions = fc
  .record({ cluster: arbitraryCluster, settings: arbitrarySettings, picks: fc.array(fc.nat(), { minLength: 12 }) })
  .map(({ cluster, settings, picks }) => {
    const all = questionsOf(cluster);
    return { settings, objects: cluster.objects, questions: picks.map((n) => all[n % all.length]!) };
  });

/** Every trace of a mode, with its text for messages. */
function everyTrace(mode: ProxyMode, law: (trace: Trace, asked: Asked) => string | undefined): void {
  fc.assert(
    fc.property(arbitraryQuestions, ({ settings, objects, questions }) => {
      for (const question of questions) {
        const asked = { ...question, objects, settings: { ...settings, mode } };
        const trace = ask(asked);
        const wrong = law(trace, asked);
        if (wrong !== undefined) throw new Error(`${wrong}\n${traceText(trace, { isInFull: false })}`);
      }
    }),
    { numRuns: runs },
  );
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);
const isOne = (number: number) => Math.abs(number - 1) < 1e-9;

test.each<ProxyMode>(['nftables', 'iptables', 'ipvs'])(
  'chances add up, and what goes wrong has a cause, %s',
  (mode) => {
    everyTrace(mode, ({ outcomes, service, cause }, { to }) => {
      if (!isOne(sumOf(outcomes.map(({ probability }) => probability)))) return 'the chances do not add up';
      const isPassedBy = ({ destination }: Trace['outcomes'][number]) => destination === joinHostPort(to.host, to.port);
      const sent = sumOf(outcomes.map((one) => (isPassedBy(one) ? 0 : one.probability)));
      const shares = sumOf(service?.candidates.map(({ share }) => share) ?? []);
      if (service && !isOne(1 + sent - shares)) return `${sent} are sent, the candidates get ${shares}`;
      const isLost = outcomes.some(({ result, isUnanswered }) => /refused|dropped/.test(result) || isUnanswered);
      return isLost && !cause ? 'nobody is to blame' : undefined;
    });
  },
);

/** The objects with what a cause asks for; undefined where nothing can be done about it here. */
function remedied(objects: readonly KubeObject[], { object, field }: Cause): KubeObject[] | undefined {
  const [kind, ...names] = object.split(/,? /);
  if (kind === 'NetworkPolicy') return objects.filter((one) => one.kind !== kind || !names.includes(objectKey(one)));
  if (kind !== 'Service') return undefined;
  return objects.map((one) => {
    const { spec } = one as Service;
    if (one.kind === 'Service' && names.includes(objectKey(one))) {
      const change: Record<string, object> = {
        'spec.loadBalancerSourceRanges': { loadBalancerSourceRanges: [] },
        'spec.internalTrafficPolicy': { internalTrafficPolicy: 'Cluster' },
        'spec.externalTrafficPolicy': { externalTrafficPolicy: 'Cluster' },
      };
      return { ...one, spec: { ...spec, ...change[field] } };
    }
    const { addressType, endpoints } = one as EndpointSlice;
    const owner = `${one.metadata.namespace}/${one.metadata.labels?.['kubernetes.io/service-name']}`;
    if (one.kind !== 'EndpointSlice' || !names.includes(owner)) return one;
    const ready = { conditions: { ready: true } };
    if (field === 'EndpointSlice endpoints[].conditions.ready') {
      return { ...one, endpoints: endpoints?.map((endpoint) => ({ ...endpoint, ...ready })) };
    }
    const ports = slicePorts(8080);
    const added = { addresses: [podAddress('a', 9, addressType as 'IPv4' | 'IPv6')], nodeName: 'a', ...ready };
    return field === 'spec.selector' ? { ...one, ports, endpoints: [added] } : one;
  });
}

test.each<ProxyMode>(['nftables', 'iptables', 'ipvs'])('once the cause is mended, it is none any more, %s', (mode) => {
  everyTrace(mode, ({ cause, service }, asked) => {
    // In ipvs, what one Service says of an address is in force for others that share it.
    if (mode === 'ipvs' && service?.rivals) return undefined;
    // Some remedies are to ask otherwise.
    const isOfQuestion = ['spec.ports', 'spec.ports[].nodePort'].includes(cause?.field ?? '');
    const objects = cause && !isOfQuestion && remedied(asked.objects, cause);
    if (!objects) return undefined;
    const after = ask({ ...asked, objects });
    const isSame = after.cause?.object === cause.object && after.cause.field === cause.field;
    return isSame ? `mended, it is still so:\n${traceText(after, { isInFull: false })}\nbefore:` : undefined;
  });
});

const endsOf = ({ outcomes }: Trace) =>
  outcomes.map((one) => `${one.result} ${one.destination} ${one.source} ${one.probability.toFixed(6)}`).sort();

test('nftables and iptables do the same, but for what they are known for', () => {
  everyTrace('nftables', (trace, asked) => {
    const other = ask({ ...asked, settings: { ...asked.settings, mode: 'iptables' } });
    const isKnown =
      // Of Services with one address, iptables asks the next where the first has nobody for the packet.
      trace.service?.rivals !== undefined ||
      // iptables has no rules for ports that a Service lacks, nor for external addresses where the node itself sends.
      other.outcomes.some(({ result, note }) => result === 'leaves the cluster' && note !== undefined) ||
      other.cause?.field === 'spec.ports' ||
      // Node ports are answered at the node's primary address by default in the one, at all of its addresses in the other.
      trace.cause?.field === 'spec.ports[].nodePort' ||
      // It hides a pod from itself on other nodes, too.
      trace.cause?.field === 'status.podIP' ||
      // It drops what source ranges have not let through before it refuses what has no endpoints.
      (trace.service?.door === 'load balancer IP' && trace.outcomes.every(({ result }) => result === 'refused'));
    const isAlike = endsOf(trace).join() === endsOf(other).join();
    return isKnown || isAlike ? undefined : `iptables:\n${traceText(other, { isInFull: false })}\nnftables:`;
  });
});

test('the shares of plans and pictures are those that traces from all nodes give', () => {
  fc.assert(
    fc.property(arbitraryCluster, ({ objects }) => {
      const open = objects.filter(({ kind }) => kind !== 'NetworkPolicy');
      const settings: ProxySettings = { mode: 'nftables', clusterCIDRs, serviceCIDRs, nodePortAddresses: [] };
      const view = new ServiceView();
      for (const object of open) {
        if (object.kind === 'Service') view.setService(object as Service);
        if (object.kind === 'EndpointSlice') view.setSlice(object as EndpointSlice);
      }
      for (const name of view.names()) {
        for (const { servicePort, shares } of sharesOf(view, name, nodes)) {
          const to = { host: servicePort.clusterIP, port: servicePort.port, protocol: servicePort.protocol };
          const traced = new Map<string, number>();
          for (const { metadata } of nodes) {
            const { service } = ask({ objects: open, from: { kind: 'node', name: metadata.name }, to, settings });
            for (const { endpoint, share } of service?.candidates ?? []) {
              if (share > 0) traced.set(endpoint, (traced.get(endpoint) ?? 0) + share / nodes.length);
            }
          }
          const lines = (map: ReadonlyMap<string, number>) =>
            [...map].map(([key, n]) => `${key} ${n.toFixed(6)}`).sort();
          expect(lines(traced)).toEqual(lines(shares));
        }
      }
    }),
    { numRuns: runs },
  );
});
