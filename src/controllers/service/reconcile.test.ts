import { expect, test } from 'vitest';
import type { Service } from '../../api/core/v1/types.generated.ts';
import { makeService } from '../harness/start.ts';
import { changeEvent, needsUpdate } from './reconcile.ts';

type Spec = Partial<Service['spec']>;

function service(spec: Spec): Service {
  const made = makeService('web', { type: 'LoadBalancer', ...spec });
  made.metadata.uid = 'u1';
  return made;
}

test.each<[string, Spec, Spec, string | undefined]>([
  ['the type', { type: 'ClusterIP' }, {}, 'Type: ClusterIP -> LoadBalancer'],
  ['the type before all else', {}, { type: 'NodePort', externalIPs: ['192.0.2.1'] }, 'Type: LoadBalancer -> NodePort'],
  ['the class', { loadBalancerClass: 'example.com/a' }, {}, 'Type: LoadBalancer -> LoadBalancer'],
  [
    'source ranges',
    { loadBalancerSourceRanges: ['192.0.2.0/25', '192.0.2.128/25'] },
    {},
    'LoadBalancerSourceRanges: [192.0.2.0/25 192.0.2.128/25] -> []',
  ],
  ['ports, of which nothing is told', {}, { ports: [{ port: 81 }], loadBalancerIP: '192.0.2.1' }, undefined],
  ['affinity, likewise', {}, { sessionAffinity: 'ClientIP' }, undefined],
  ['the address asked for', {}, { loadBalancerIP: '192.0.2.1' }, 'LoadbalancerIP:  -> 192.0.2.1'],
  ['how many external IPs', {}, { externalIPs: ['192.0.2.1'] }, 'ExternalIP: Count: 0 -> 1'],
  [
    'which',
    { externalIPs: ['192.0.2.1', 'fd00::1'] },
    { externalIPs: ['192.0.2.1', 'fd00::2'] },
    'ExternalIP: Added: fd00::2',
  ],
  [
    'the policy',
    { externalTrafficPolicy: 'Cluster' },
    { externalTrafficPolicy: 'Local' },
    'ExternalTrafficPolicy: Cluster -> Local',
  ],
  ['the health check node port', {}, { healthCheckNodePort: 30123 }, 'HealthCheckNodePort: 0 -> 30123'],
  ['families', { ipFamilies: ['IPv4'] }, { ipFamilies: ['IPv4', 'IPv6'] }, 'IPFamilies: Count: 1 -> 2'],
])('a change of %s', (_what, before, after, wanted) => {
  const [old, now] = [service(before), service(after)];
  expect(needsUpdate(old, now)).toBe(true);
  const event = changeEvent(old, now);
  expect(event && `${event.reason}: ${event.message}`).toBe(wanted);
});

test.each<[string, Spec, Spec]>([
  ['a Service that is none', { type: 'ClusterIP' }, { type: 'NodePort', externalIPs: ['192.0.2.1'] }],
  ['the selector', {}, { selector: { app: 'other' } }],
])('nothing is told of %s', (_what, before, after) => {
  expect(changeEvent(service(before), service(after))).toBeUndefined();
});
