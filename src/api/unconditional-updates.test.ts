import { expect, test } from 'vitest';
import { builtinResources } from './registry.ts';

const named = (is: (resource: ReturnType<typeof builtinResources>[number]) => boolean) =>
  builtinResources()
    .filter((resource) => resource.verbs.includes('update') && is(resource))
    .map(({ group, resource }) => (group === '' ? resource : `${resource}.${group}`))
    .sort();

/** AllowUnconditionalUpdate and AllowCreateOnUpdate of upstream's pkg/registry, each kind's strategy.go. */
test('an update must name the version that it is of', () => {
  expect(named(({ allowUnconditionalUpdate }) => !allowUnconditionalUpdate)).toEqual([
    'apiservices.apiregistration.k8s.io',
    'csidrivers.storage.k8s.io',
    'csinodes.storage.k8s.io',
    'csistoragecapacities.storage.k8s.io',
    'customresourcedefinitions.apiextensions.k8s.io',
    'leases.coordination.k8s.io',
    'mutatingadmissionpolicies.admissionregistration.k8s.io',
    'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
    'poddisruptionbudgets.policy',
    'runtimeclasses.node.k8s.io',
    'validatingadmissionpolicies.admissionregistration.k8s.io',
    'validatingadmissionpolicybindings.admissionregistration.k8s.io',
    'validatingwebhookconfigurations.admissionregistration.k8s.io',
    'volumeattachments.storage.k8s.io',
  ]);
});

test('an update makes an object that is not there', () => {
  expect(named(({ allowCreateOnUpdate }) => allowCreateOnUpdate)).toEqual([
    'clusterrolebindings.rbac.authorization.k8s.io',
    'clusterroles.rbac.authorization.k8s.io',
    'endpoints',
    'events',
    'events.events.k8s.io',
    'leases.coordination.k8s.io',
    'limitranges',
    'rolebindings.rbac.authorization.k8s.io',
    'roles.rbac.authorization.k8s.io',
    'runtimeclasses.node.k8s.io',
    'services',
  ]);
});
