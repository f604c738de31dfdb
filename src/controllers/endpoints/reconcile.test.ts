import { expect, test } from 'vitest';
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import { makePod, makeService } from '../harness/start.ts';
import { reconcile } from './reconcile.ts';

function pod(name: string, ip: string, change: { ready?: boolean; deleting?: boolean; ips?: string[] } = {}): Pod {
  const made = makePod(name, {}, { nodeName: 'node-1' });
  made.metadata.uid = `uid-${name}`;
  if (change.deleting) made.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  made.status = {
    phase: 'Running',
    podIPs: (change.ips ?? [ip]).map((one) => ({ ip: one })),
    conditions: [{ type: 'Ready', status: change.ready === false ? 'False' : 'True' }],
  };
  return made;
}

const service = (spec: Partial<Service['spec']> = {}) => makeService('web', spec);
const run = (svc: Service, pods: Pod[]) => reconcile({ service: svc, pods, current: undefined });

test('ready and not ready addresses, sorted, with the labels of the Service and of the controller', () => {
  const labelled = service();
  labelled.metadata.labels = { team: 'a' };
  const pods = [pod('b', '10.0.0.20'), pod('a', '10.0.0.10'), pod('c', '10.0.0.5', { ready: false })];
  const made = reconcile({ service: labelled, pods, current: undefined, triggerTime: '2026-01-01T00:00:00Z' });
  expect(made).toEqual({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'web',
      namespace: 'default',
      labels: { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
    },
    subsets: [
      {
        addresses: ['a', 'b'].map((name) => ({
          ip: name === 'a' ? '10.0.0.10' : '10.0.0.20',
          nodeName: 'node-1',
          targetRef: { kind: 'Pod', namespace: 'default', name, uid: `uid-${name}` },
        })),
        notReadyAddresses: [
          {
            ip: '10.0.0.5',
            nodeName: 'node-1',
            targetRef: { kind: 'Pod', namespace: 'default', name: 'c', uid: 'uid-c' },
          },
        ],
        ports: [{ port: 80, protocol: 'TCP' }],
      },
    ],
  });
  expect(reconcile({ service: labelled, pods, current: made })).toBeUndefined();
});

test('a terminating pod is out, unless all are published', () => {
  const pods = [pod('a', '10.0.0.1', { deleting: true })];
  expect(run(service(), pods)?.subsets).toBeUndefined();
  expect(run(service({ publishNotReadyAddresses: true }), pods)?.subsets?.[0]?.addresses).toHaveLength(1);
});

test('only the first family', () => {
  const pods = [pod('a', '', { ips: ['10.0.0.1', 'fd00::1'] })];
  const six = run(service({ ipFamilies: ['IPv6', 'IPv4'] }), pods);
  expect(six?.subsets?.[0]?.addresses?.map((a) => a.ip)).toEqual(['fd00::1']);
});

test('a Service from before ipFamilies has the family of its address', () => {
  const pods = [pod('a', '', { ips: ['fd00::1', '10.0.0.1'] })];
  const ips = (clusterIP: string) =>
    run(service({ clusterIP, ipFamilies: [] }), pods)?.subsets?.[0]?.addresses?.map(({ ip }) => ip);
  expect([ips('10.96.0.1'), ips('fd96::1'), ips('None')]).toEqual([['10.0.0.1'], ['fd00::1'], ['fd00::1']]);
});

test('without ports: a headless Service has addresses, another has nothing', () => {
  const pods = [pod('a', '10.0.0.1')];
  const headless = run(service({ ports: [], clusterIP: 'None' }), pods);
  expect(headless?.subsets).toEqual([{ addresses: [expect.objectContaining({ ip: '10.0.0.1' })] }]);
  expect(headless?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
  expect(run(service({ ports: [] }), pods)?.subsets).toBeUndefined();
});

test('pods with the same ports share a subset, those with others have their own', () => {
  const a = pod('a', '10.0.0.1');
  const b = pod('b', '10.0.0.2');
  b.spec.containers = [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }];
  const made = run(service({ ports: [{ name: 'p', port: 1, targetPort: 'http' }] }), [a, b, pod('c', '10.0.0.3')]);
  expect(made?.subsets?.map((s) => [s.ports?.map((p) => p.port), s.addresses?.map((x) => x.ip)])).toEqual([
    [[80], ['10.0.0.1', '10.0.0.3']],
    [[8080], ['10.0.0.2']],
  ]);
});

test('what is cut off is shared by the subsets in proportion, and no ready one goes while others stay', () => {
  // Of 25, 7 and 18: 7 / 25 * 25 is a little more than 7 in floating point.
  const ports = (name: string) => [{ name: 'c', ports: [{ name: 'http', containerPort: name === 'a' ? 80 : 81 }] }];
  const group = (name: string, ready: number, all: number) =>
    Array.from({ length: all }, (_, i) => {
      const made = pod(`${name}${i}`, `10.${name === 'a' ? 1 : 2}.${i >> 8}.${i & 255}`, { ready: i < ready });
      return { ...made, spec: { ...made.spec, containers: ports(name) } };
    });
  const svc = service({ ports: [{ port: 80, targetPort: 'http' }] });
  const lengths = (pods: Pod[]) =>
    run(svc, pods)?.subsets?.map((s) => [s.addresses?.length ?? 0, s.notReadyAddresses?.length ?? 0]);
  expect(lengths([...group('a', 7, 607), ...group('b', 18, 818)])).toEqual([
    [7, 418],
    [18, 557],
  ]);
  expect(lengths([...group('a', 400, 500), ...group('b', 800, 900)])).toEqual([
    [334, 0],
    [666, 0],
  ]);
});

test('beyond 1,000 addresses the rest is cut off, not ready ones first, and that is said', () => {
  const pods = Array.from({ length: 1100 }, (_, i) =>
    pod(`p${i}`, `10.1.${Math.floor(i / 250)}.${i % 250}`, { ready: i >= 200 }),
  );
  const made = run(service(), pods);
  expect(made?.metadata.annotations).toEqual({ 'endpoints.kubernetes.io/over-capacity': 'truncated' });
  expect([made?.subsets?.[0]?.addresses?.length, made?.subsets?.[0]?.notReadyAddresses?.length]).toEqual([900, 100]);
  if (made) made.metadata.annotations = { 'endpoints.kubernetes.io/over-capacity': 'warning' };
  const told = reconcile({ service: service(), pods, current: made });
  expect(told?.metadata.annotations).toEqual({ 'endpoints.kubernetes.io/over-capacity': 'truncated' });
  const back = reconcile({ service: service(), pods: pods.slice(0, 10), current: made });
  expect(back?.metadata.annotations).toBeUndefined();
});
