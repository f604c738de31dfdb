// LoadBalancerPool: addresses that Services of type LoadBalancer may have. Served as a custom resource.

import type { Condition } from '../../../apimachinery/meta/v1.generated.ts';
import type { GroupVersionResource, KubeObject } from '../../../apimachinery/object.ts';
import type { CustomResourceDefinition } from '../../apiextensions/v1/types.generated.ts';

export interface LoadBalancerPool extends KubeObject {
  spec: LoadBalancerPoolSpec;
  status?: LoadBalancerPoolStatus;
}

export interface LoadBalancerPoolSpec {
  /**
   * Blocks (`192.0.2.0/28`), ranges (`192.0.2.10-192.0.2.20`) and single addresses, of both families. Of an IPv4 block the
   * first and the last address are left out, of an IPv6 block the first (the routers' anycast, RFC 4291).
   */
  addresses: string[];
  /** Whether Services that name neither pool nor address get addresses of it. Default true. */
  autoAssign?: boolean;
}

export interface LoadBalancerPoolStatus {
  /** Addresses that Services have, and that nobody has (at most 2^53 - 1 is told). */
  used?: number;
  free?: number;
  /** `Valid`: False names entries of `spec.addresses` that are none. */
  conditions?: Condition[];
}

export const loadBalancerPools: GroupVersionResource = {
  group: 'portico.dev',
  version: 'v1',
  resource: 'loadbalancerpools',
};

/** On a Service: the pool that its addresses are to come from. */
export const poolAnnotation = 'portico.dev/load-balancer-pool';
/** On a Service: the addresses it is to have, at most one per family, with commas between. */
export const addressesAnnotation = 'portico.dev/load-balancer-ips';
/** On a Service, written by the node that answers for its addresses. */
export const announcedByAnnotation = 'portico.dev/announced-by';

const text = (description: string) => ({ type: 'string', description });

const schema = {
  type: 'object',
  description: 'Addresses that Services of type LoadBalancer may have.',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: {
          type: 'array',
          minItems: 1,
          maxItems: 256,
          description: 'Blocks (192.0.2.0/28), ranges (192.0.2.10-192.0.2.20) and single addresses, of both families.',
          items: {
            type: 'string',
            maxLength: 100,
            pattern: '^[0-9a-fA-F.:]+(/[0-9]{1,3}|-[0-9a-fA-F.:]+)?$',
          },
        },
        autoAssign: {
          type: 'boolean',
          default: true,
          description: 'Whether Services that name neither pool nor address get addresses of it.',
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        used: { type: 'integer', format: 'int64', description: 'Addresses that Services have.' },
        free: { type: 'integer', format: 'int64', description: 'Addresses that nobody has.' },
        conditions: {
          type: 'array',
          items: {
            type: 'object',
            required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
            properties: {
              type: text('Valid'),
              status: text('True or False'),
              lastTransitionTime: { type: 'string', format: 'date-time' },
              reason: text('One word'),
              message: text('Which entries are none'),
            },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
        },
      },
    },
  },
};

export const loadBalancerPoolDefinition: CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${loadBalancerPools.resource}.${loadBalancerPools.group}` },
  spec: {
    group: loadBalancerPools.group,
    scope: 'Cluster',
    names: {
      plural: loadBalancerPools.resource,
      singular: 'loadbalancerpool',
      kind: 'LoadBalancerPool',
      listKind: 'LoadBalancerPoolList',
      shortNames: ['lbpool'],
    },
    versions: [
      {
        name: loadBalancerPools.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: schema as NonNullable<unknown> },
        additionalPrinterColumns: [
          { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
          { name: 'Used', type: 'integer', jsonPath: '.status.used' },
          { name: 'Free', type: 'integer', jsonPath: '.status.free' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ],
  },
};
