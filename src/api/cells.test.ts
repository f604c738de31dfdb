import { expect, test } from 'vitest';
import { builtinResources } from './registry.ts';

type Body = Readonly<Record<string, unknown>>;

const now = Date.parse('2026-01-01T12:00:00Z');
const definitions = builtinResources();

/** What the columns of an object's row say, the Name and the Age left out. */
function cellsOf(resource: string, body: Body): Record<string, unknown> {
  const definition = definitions.find((one) => one.resource === resource)!;
  const cells = definition.cells({ metadata: { name: 'x' }, ...body } as never, now);
  return Object.fromEntries(definition.columns.map(({ name }, i) => [name, cells[i]]));
}

const hosts = (...names: string[]): Body => ({ spec: { rules: names.map((host) => (host ? { host } : {})) } });
const selector = {
  matchLabels: { b: '1', a: '2' },
  matchExpressions: [{ key: 'k', operator: 'In', values: ['v', 'w'] }],
};
const binding = (paramRef: Body): Body => ({ spec: { policyName: 'p', paramRef } });
const roleRef = { kind: 'ClusterRole', name: 'view' };

test.each<[string, Body, Record<string, unknown>]>([
  ['ingresses', hosts('a', 'b', 'c'), { Hosts: 'a,b,c' }],
  ['ingresses', hosts('a', 'b', 'c', 'd'), { Hosts: 'a,b,c + 1 more...' }],
  // A rule without a host is one more, where it follows.
  ['ingresses', hosts('a', 'b', 'c', ''), { Hosts: 'a,b,c + 1 more...' }],
  ['ingresses', hosts('', 'a', 'b', 'c'), { Hosts: 'a,b,c' }],
  ['ingresses', hosts('', ''), { Hosts: '*' }],
  ['componentstatuses', { conditions: [{ type: 'Healthy', status: 'Unknown' }] }, { Status: 'Unhealthy' }],
  ['componentstatuses', {}, { Status: 'Unknown', Message: '', Error: '' }],
  ['persistentvolumes', { spec: { claimRef: { name: 'c' } } }, { Claim: '/c' }],
  [
    'rolebindings',
    { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
    { Role: 'ClusterRole/view', ServiceAccounts: '/a' },
  ],
  [
    'certificatesigningrequests',
    { spec: {}, status: { conditions: [{ type: 'Approved' }, { type: 'Failed' }] } },
    { SignerName: '<none>', Condition: 'Approved,Failed' },
  ],
  ['csidrivers', { spec: { tokenRequests: [{ audience: '' }] } }, { TokenRequests: '' }],
  ['csidrivers', { spec: { tokenRequests: [{ audience: '' }, { audience: 'b' }] } }, { TokenRequests: ',b' }],
  ['csidrivers', { spec: {} }, { TokenRequests: '<unset>' }],
  [
    'prioritylevelconfigurations',
    { spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0 } } },
    { NominalConcurrencyShares: '<none>' },
  ],
  [
    'volumeattributesclasses',
    { metadata: { name: 'x', annotations: { 'volumeattributesclass.alpha.kubernetes.io/is-default-class': 'true' } } },
    { Name: 'x (default)' },
  ],
  ['validatingadmissionpolicybindings', binding({ name: 'n' }), { ParamRef: '*/n' }],
  ['validatingadmissionpolicybindings', binding({ name: 'n', namespace: 'm' }), { ParamRef: 'm/n' }],
  [
    'mutatingadmissionpolicybindings',
    binding({ selector }),
    {
      ParamRef:
        '&LabelSelector{MatchLabels:map[string]string{a: 2,b: 1,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[v w],},},}',
    },
  ],
  ['resourceclaims', { metadata: { name: 'x', deletionTimestamp: 'then' } }, { State: 'deleted' }],
  ['resourceclaims', { status: { reservedFor: [{}] } }, { State: 'pending' }],
  ['resourceclaims', { status: { allocation: {}, reservedFor: [{}] } }, { State: 'allocated,reserved' }],
  [
    'events',
    { involvedObject: { kind: 'Pod' }, lastTimestamp: '2026-01-01T11:00:00Z', series: { count: 3 } },
    { 'Last Seen': '<unknown>', Object: 'pod', Count: 3 },
  ],
])('%s: %j', (resource, body, cells) => expect(cellsOf(resource, body)).toMatchObject(cells));
