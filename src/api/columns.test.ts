import { expect, test } from 'vitest';
import { builtinResources } from './registry.ts';

/**
 * The columns of kube-apiserver's printers (pkg/printers/internalversion/printers.go, v1.36), `+` before those that only
 * `-o wide` shows. Kinds that are not here have the two of every kind: Name and Created At.
 */
const printers: Readonly<Record<string, string>> = {
  configmaps: 'Name, Data, Age',
  endpoints: 'Name, Endpoints, Age',
  'events.': 'Last Seen, Type, Reason, Object, +Subobject, +Source, Message, +First Seen, +Count, +Name',
  namespaces: 'Name, Status, Age',
  nodes:
    'Name, Status, Roles, Age, Version, +Internal-IP, +External-IP, +OS-Image, +Kernel-Version, +Container-Runtime',
  persistentvolumeclaims:
    'Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, +VolumeMode',
  persistentvolumes:
    'Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, +VolumeMode',
  pods: 'Name, Ready, Status, Restarts, Age, +IP, +Node, +Nominated Node, +Readiness Gates',
  podtemplates: 'Name, Containers, Images, Pod Labels',
  replicationcontrollers: 'Name, Desired, Current, Ready, Age, +Containers, +Images, +Selector',
  resourcequotas: 'Name, Request, Limit, Age',
  secrets: 'Name, Type, Data, Age',
  serviceaccounts: 'Name, Secrets, Age',
  services: 'Name, Type, Cluster-IP, External-IP, Port(s), Age, +Selector',
  controllerrevisions: 'Name, Controller, Revision, Age',
  daemonsets:
    'Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, +Containers, +Images, +Selector',
  deployments: 'Name, Ready, Up-to-date, Available, Age, +Containers, +Images, +Selector',
  replicasets: 'Name, Desired, Current, Ready, Age, +Containers, +Images, +Selector',
  statefulsets: 'Name, Ready, Age, +Containers, +Images',
  'events.events.k8s.io': 'Last Seen, Type, Reason, Object, +Subobject, +Source, Message, +First Seen, +Count, +Name',
  horizontalpodautoscalers: 'Name, Reference, Targets, MinPods, MaxPods, Replicas, Age',
  cronjobs: 'Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, +Containers, +Images, +Selector',
  jobs: 'Name, Status, Completions, Duration, Age, +Containers, +Images, +Selector',
  certificatesigningrequests: 'Name, Age, SignerName, Requestor, RequestedDuration, Condition',
  ingressclasses: 'Name, Controller, Parameters, Age',
  ingresses: 'Name, Class, Hosts, Address, Ports, Age',
  ipaddresses: 'Name, ParentRef',
  networkpolicies: 'Name, Pod-Selector, Age',
  servicecidrs: 'Name, CIDRs, Age',
  poddisruptionbudgets: 'Name, Min Available, Max Unavailable, Allowed Disruptions, Age',
  clusterrolebindings: 'Name, Role, Age, +Users, +Groups, +ServiceAccounts',
  rolebindings: 'Name, Role, Age, +Users, +Groups, +ServiceAccounts',
  csidrivers: 'Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, Modes, Age',
  csinodes: 'Name, Drivers, Age',
  csistoragecapacities: 'Name, StorageClassName, Capacity',
  storageclasses: 'Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age',
  volumeattachments: 'Name, Attacher, PV, Node, Attached, Age',
  volumeattributesclasses: 'Name, DriverName, Age',
  leases: 'Name, Holder, Age',
  runtimeclasses: 'Name, Handler, Age',
  endpointslices: 'Name, AddressType, Ports, Endpoints, Age',
  deviceclasses: 'Name, Age',
  resourceclaims: 'Name, State, Age',
  resourceclaimtemplates: 'Name, Age',
  resourceslices: 'Name, Node, Driver, Pool, Age',
  flowschemas: 'Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL',
  prioritylevelconfigurations: 'Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age',
  priorityclasses: 'Name, Value, Global-Default, Age, PreemptionPolicy',
  componentstatuses: 'Name, Status, Message, Error',
  mutatingadmissionpolicies: 'Name, Mutations, ParamKind, Age',
  mutatingadmissionpolicybindings: 'Name, PolicyName, ParamRef, Age',
  mutatingwebhookconfigurations: 'Name, Webhooks, Age',
  validatingadmissionpolicies: 'Name, Validations, ParamKind, Age',
  validatingadmissionpolicybindings: 'Name, PolicyName, ParamRef, Age',
  validatingwebhookconfigurations: 'Name, Webhooks, Age',
  apiservices: 'Name, Service, Available, Age',
};

const definitions = builtinResources().filter(({ verbs }) => verbs.includes('list'));

test.each(definitions.map((one) => [`${one.resource}.${one.group}`, one] as const))(
  '%s',
  (name, { resource, columns }) => {
    const shown = columns.map((column) => (column.priority === 0 ? column.name : `+${column.name}`));
    expect(shown.join(', ')).toBe(printers[name] ?? printers[resource] ?? 'Name, Created At');
  },
);

test('every printer has its kind', () => {
  const names = new Set(definitions.flatMap(({ resource, group }) => [resource, `${resource}.${group}`]));
  expect(Object.keys(printers).filter((name) => !names.has(name))).toEqual([]);
});

test.each(definitions.map((one) => [`${one.resource}.${one.group}/${one.version}`, one] as const))(
  '%s has as many cells as columns',
  (name, { columns, cells }) => {
    // Of an object that its author left as empty as the schema lets it be.
    const empty = {
      metadata: { name: 'x' },
      spec: { source: {}, template: {}, scaleTargetRef: {}, parentRef: {} },
      roleRef: {},
      involvedObject: {},
    };
    const row = cells(empty as never, 0);
    // Upstream's rows of addresses have the age too, though no column says so.
    expect(row.length - (name.startsWith('ipaddresses.') ? 1 : 0)).toBe(columns.length);
  },
);
