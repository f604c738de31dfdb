// Messages as another implementation of protocol buffers (Google's for Python) writes them, from the numbers in the
// generated.proto files of Kubernetes: objects as JSON has them, and the bytes of their messages.
import { expect, test } from 'vitest';
import { decodeProtobuf } from './decode.ts';
import { enveloped, messageOfObject, type Typed } from './envelope.ts';

const recorded: readonly { readonly object: Typed & Readonly<Record<string, unknown>>; readonly hex: string }[] = [
  {
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'default',
        uid: 'u-1',
        resourceVersion: '42',
        creationTimestamp: '2026-01-02T03:04:05Z',
        labels: { zone: 'ä', app: 'web' },
        ownerReferences: [{ apiVersion: 'g/v1', kind: 'X', name: 'x', uid: 'u', controller: true }],
        managedFields: [
          {
            manager: 'kubectl',
            operation: 'Apply',
            apiVersion: 'v1',
            time: '2026-01-02T03:04:05Z',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:spec': { 'f:type': {} } },
          },
        ],
      },
      spec: {
        ports: [
          { name: 'http', protocol: 'TCP', port: 80, targetPort: 'web', nodePort: 30080 },
          { port: 443, targetPort: 8443 },
        ],
        selector: { b: '2', a: '1' },
        clusterIP: '10.96.0.9',
        clusterIPs: ['10.96.0.9'],
        type: 'LoadBalancer',
        externalIPs: ['192.0.2.1', '192.0.2.2'],
        sessionAffinity: 'None',
        publishNotReadyAddresses: true,
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: ['IPv4'],
        allocateLoadBalancerNodePorts: false,
        internalTrafficPolicy: 'Cluster',
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
    },
    hex: [
      '0a93010a037765621a0764656661756c742a03752d3132023432420808a5ebdcca0610005a0a0a0361707012037765625a0a',
      '0a047a6f6e651202c3a46a110a01581a01782201752a04672f763130018a01440a076b75626563746c12054170706c791a02',
      '7631220808a5ebdcca06100032084669656c647356313a1a0a187b22663a73706563223a7b22663a74797065223a7b7d7d7d',
      '12a1010a1c0a0468747470120354435018502209080110001a037765622880eb010a0c18bb032207080010fb411a0012060a',
      '016112013112060a01621201321a0931302e39362e302e39220c4c6f616442616c616e6365722a093139322e302e322e312a',
      '093139322e302e322e323a044e6f6e6568018a010b53696e676c65537461636b92010931302e39362e302e399a0104495076',
      '34a00100b20107436c75737465721a0f0a0d0a0b0a093139322e302e322e39',
    ].join(''),
  },
  {
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: {
        holderIdentity: 'h',
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-02T03:04:05.678901Z',
        renewTime: '1969-12-31T23:59:59.000000Z',
        leaseTransitions: 0,
      },
    },
    hex: ['0a030a016c12240a0168100f1a0c08a5ebdcca061088eadcc302220d08ffffffffffffffffff0110002800'].join(''),
  },
  {
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', deletionGracePeriodSeconds: 0, generation: 300 },
      spec: {
        volumes: [{ name: 'd', emptyDir: { sizeLimit: '1Gi' } }],
        containers: [
          {
            name: 'c',
            image: 'i',
            command: ['sh', '-c', ''],
            resources: { limits: { memory: '64Mi', cpu: '500m' } },
            securityContext: { runAsUser: 4294967296, runAsNonRoot: false },
            tty: true,
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        securityContext: { supplementalGroups: [1, 300, 70000] },
        tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: -5 }],
        priority: -10,
        ephemeralContainers: [{ name: 'e', image: 'i', targetContainerName: 'c' }],
      },
    },
    hex: [
      '0a080a017038ac02500012a5010a0e0a01641209120712050a0331476912400a01631201691a0273681a022d631a0042210a',
      '0d0a0363707512060a043530306d0a100a066d656d6f727912060a0436344d697a0820808080801028009001011a06416c77',
      '617973201e7209200120ac0220f0a204b201210a016b120645786973747322094e6f4578656375746528fbffffffffffffff',
      'ff01c801f6ffffffffffffffff0192020b0a060a0165120169120163',
    ].join(''),
  },
  {
    // Written by apimachinery itself: the verbs have a message of their own.
    object: {
      apiVersion: 'v1',
      kind: 'APIResourceList',
      groupVersion: 'apps/v1',
      resources: [
        {
          name: 'deployments',
          singularName: 'deployment',
          namespaced: true,
          group: 'apps',
          version: 'v1',
          kind: 'Deployment',
          verbs: ['create', 'get'],
          shortNames: ['deploy'],
          categories: ['all'],
          storageVersionHash: '8aSe+NMegvE=',
        },
        {
          name: 'deployments/scale',
          singularName: 's',
          namespaced: true,
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: [],
          storageVersionHash: 'h',
        },
      ],
    },
    hex: [
      '0a07617070732f7631125b0a0b6465706c6f796d656e747310011a0a4465706c6f796d656e74220d0a066372656174650a03',
      '6765742a066465706c6f79320a6465706c6f796d656e743a03616c6c4204617070734a027631520c386153652b4e4d656776',
      '453d12350a116465706c6f796d656e74732f7363616c6510011a055363616c652200320173420b6175746f7363616c696e67',
      '4a027631520168',
    ].join(''),
  },
  {
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { b: 'AP8=', a: '' },
      type: 'Opaque',
    },
    hex: ['0a030a017312050a0161120012070a0162120200ff1a064f7061717565'].join(''),
  },
  {
    object: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'w.g' },
      spec: {
        group: 'g',
        names: { plural: 'w', singular: 'w1', kind: 'W' },
        scope: 'Namespaced',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                default: { a: [1, null] },
                required: ['a'],
                properties: {
                  n: { type: 'number', maximum: 1.5, minimum: -2, enum: [1, 'x'] },
                  l: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 3 } },
                },
                additionalProperties: false,
                'x-kubernetes-preserve-unknown-fields': true,
              },
            },
            subresources: { status: {} },
          },
        ],
      },
    },
    hex: [
      '0a050a03772e6712a8010a01671a0a0a017712027731220157220a4e616d657370616365643a8a010a02763110011801227c',
      '0a7a2a066f626a65637442100a0e7b2261223a5b312c6e756c6c5d7dba010161ea01210a016c121c2a056172726179c2010c',
      '0a0a2a06737472696e676803d20203736574ea012d0a016e12282a066e756d62657249000000000000f83f59000000000000',
      '00c0a201030a0131a201050a03227822f201020800b002012a020a00',
    ].join(''),
  },
];

test.each(recorded.map((one) => [one.object.kind, one] as const))('%s: the same bytes, both ways', (_kind, one) => {
  const message = messageOfObject(one.object)!;
  expect(Buffer.from(message).toString('hex')).toBe(one.hex);
  const { apiVersion, kind, value } = decodeProtobuf(enveloped(one.object, Buffer.from(one.hex, 'hex')));
  expect({ apiVersion, kind, ...value }).toEqual(one.object);
});
