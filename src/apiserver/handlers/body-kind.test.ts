import { expect, test } from 'vitest';
import { otherKind } from './body-kind.ts';

const configMap = { group: '', version: 'v1', kind: 'ConfigMap' };
const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };
const ingress = { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' };
const autoscaler = { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' };
const inScheme = 'in scheme "pkg/api/legacyscheme/scheme.go:30"';

test.each([
  [configMap, {}],
  [configMap, { kind: 'ConfigMap' }],
  [configMap, { apiVersion: 'v1' }],
  [ingress, { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' }],
  [configMap, null],
])('%j: %j says nothing else', (expected, value) => expect(otherKind(value, expected)).toBeUndefined());

test.each([
  [configMap, { apiVersion: 'v2' }, `no kind "ConfigMap" is registered for version "v2" ${inScheme}`],
  [configMap, { kind: 'configmap' }, `no kind "configmap" is registered for version "v1" ${inScheme}`],
  [configMap, { kind: 'Secret' }, 'converting (v1.Secret) to (core.ConfigMap): unknown conversion'],
  [configMap, { kind: 'List' }, 'converting (v1.List) to (core.ConfigMap): unknown conversion'],
  [
    configMap,
    { kind: 'Deployment', apiVersion: 'apps/v1' },
    'converting (v1.Deployment) to (core.ConfigMap): unknown conversion',
  ],
  [deployment, { kind: 'Pod', apiVersion: 'v1' }, 'converting (v1.Pod) to (apps.Deployment): unknown conversion'],
  [ingress, { kind: 'NetworkPolicy' }, 'converting (v1.NetworkPolicy) to (networking.Ingress): unknown conversion'],
])('%j: of %j nothing can be made', (expected, value, why) => {
  expect(otherKind(value, expected)).toMatchObject({ why, isOfOtherVersion: false });
});

test.each([
  [autoscaler, 'autoscaling/v1'],
  [deployment, 'apps/v1beta1'],
  [ingress, 'extensions/v1beta1'],
  [{ group: '', version: 'v1', kind: 'Event' }, 'events.k8s.io/v1'],
])('%j: %s is another version', (expected, apiVersion) => {
  const { kind, group, version } = expected;
  expect(otherKind({ apiVersion, kind }, expected)).toMatchObject({
    why: `the API version in the data (${apiVersion}) does not match the expected API version (${group ? `${group}/` : ''}${version})`,
    isOfOtherVersion: true,
  });
});
