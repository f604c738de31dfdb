import { expect, test } from 'vitest';
import { compareFlowSchemas } from '../../api/flowcontrol/v1/flowschema.ts';
import type { PolicyRulesWithSubjects, Subject } from '../../api/flowcontrol/v1/types.generated.ts';
import type { User } from '../request.ts';
import { parseRequestInfo } from '../request-info.ts';
import { bootstrapFlowSchemas } from './bootstrap-objects.ts';
import { firstMatch, readFlowRules, rulesFor } from './matching.ts';

const bootstrap = bootstrapFlowSchemas
  .toSorted(compareFlowSchemas)
  .map(({ metadata, spec }) => readFlowRules(spec, metadata.name));

const known = (name: string, ...groups: readonly string[]): User => ({
  name,
  groups: [...groups, 'system:authenticated'],
});
const account = (namespace: string, name: string) =>
  known(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`);
const node = known('system:node:n', 'system:nodes');
const manager = known('system:kube-controller-manager');
const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

function infoOf(line: string) {
  const [method = '', url = ''] = line.split(' ');
  const [path = '', query = ''] = url.split('?');
  return parseRequestInfo(method, path, new URLSearchParams(query));
}

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

// What kube-apiserver 1.36's code makes of its own schemas.
test.each<[User, string, string]>([
  [known('admin', 'system:masters'), 'GET /healthz', 'exempt'],
  [nobody, 'GET /healthz', 'probes'],
  [nobody, 'GET /livez/ping', 'probes'],
  [nobody, 'GET /healthzz', 'global-default'],
  [nobody, 'POST /healthz', 'global-default'],
  [node, 'PATCH /api/v1/nodes/n/status', 'system-node-high'],
  [node, 'PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n', 'system-node-high'],
  [node, 'GET /api/v1/nodes/n/proxy', 'system-nodes'],
  [node, 'GET /api/v1/pods?watch=1', 'system-nodes'],
  [manager, `PUT ${leases}/x`, 'system-leader-election'],
  [manager, `DELETE ${leases}/x`, 'kube-controller-manager'],
  [manager, 'GET /version', 'kube-controller-manager'],
  [known('system:kube-scheduler'), 'GET /api/v1/pods', 'kube-scheduler'],
  [account('kube-system', 'endpointslice-controller'), 'GET /api/v1/pods', 'kube-system-service-accounts'],
  [account('kube-system', 'x'), `POST ${leases}`, 'system-leader-election'],
  [account('default', 'x'), 'GET /apis', 'service-accounts'],
  [known('jane'), 'GET /apis', 'global-default'],
  [known('jane'), 'GET /api/v1/namespaces/n/pods/a', 'global-default'],
])('of the bootstrap schemas, %j with %s: %s', (user, line, expected) => {
  expect(firstMatch(rulesFor(bootstrap, user), infoOf(line))).toBe(expected);
});

const jane: Subject[] = [{ kind: 'User', user: { name: 'jane' } }];
const any = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
const path = (...nonResourceURLs: string[]) => ({
  subjects: jane,
  nonResourceRules: [{ verbs: ['get'], nonResourceURLs }],
});
const resource = (given: object) => ({ subjects: jane, resourceRules: [{ ...any, ...given }] });
const subject = (one: Subject) => ({ subjects: [one], resourceRules: [{ ...any, namespaces: ['*'] }] });
const inN = 'GET /api/v1/namespaces/n/pods/a/log';

// What kube-apiserver 1.36's code says of the same.
test.each<[PolicyRulesWithSubjects, string, boolean]>([
  [path('/a'), 'GET /a/b', true],
  [path('/a/*'), 'GET /a', false],
  [path('/a/*'), 'GET /a/', true],
  [path('/a*'), 'GET /ab', false],
  [path('/a'), 'HEAD /a', false],
  [path('*'), inN, false],
  [resource({ namespaces: ['n'] }), inN, true],
  [resource({ namespaces: ['m'] }), inN, false],
  [resource({ clusterScope: true }), inN, false],
  [resource({ namespaces: ['*'] }), 'GET /api/v1/pods', false],
  [resource({ clusterScope: true }), 'GET /api/v1/pods', true],
  [resource({ namespaces: ['n'], resources: ['pods'] }), inN, false],
  [resource({ namespaces: ['n'], resources: ['pods/log'] }), inN, true],
  [resource({ namespaces: ['n'], resources: ['pods/*'] }), inN, false],
  [resource({ namespaces: ['n'], apiGroups: ['apps', ''] }), inN, true],
  [resource({ namespaces: ['n'], verbs: ['list'] }), inN, false],
  [resource({ namespaces: ['n'] }), 'GET /api/v1/namespaces/n', true],
  [subject({ kind: 'User', user: { name: '*' } }), inN, true],
  [subject({ kind: 'Group', group: { name: '*' } }), inN, true],
  [subject({ kind: 'Group', group: { name: 'system:masters' } }), inN, false],
  [subject({ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'n' } }), inN, false],
])('%j and %s: %s', (rules, line, expected) => {
  const schema = readFlowRules({ priorityLevelConfiguration: { name: 'l' }, rules: [rules] }, true);
  expect(firstMatch(rulesFor([schema], known('jane')), infoOf(line)) ?? false).toBe(expected);
});
