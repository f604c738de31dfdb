import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../apimachinery/object.ts';
import { rulesText } from '../../proxy/offline.ts';
import { type ProxyMode, proxyModes } from '../../proxy/settings.ts';
import { explainedText, explainRules } from './explain-rules.ts';

const objects = parseAllDocuments(`
kind: Node
metadata: {name: a, resourceVersion: "3"}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}, {type: InternalIP, address: "fd00:172::11"}]}
---
kind: Service
metadata: {name: web, namespace: demo, resourceVersion: "81"}
spec:
  type: NodePort
  clusterIP: 10.96.0.50
  clusterIPs: [10.96.0.50, "fd00:96::50"]
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
---
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-x, namespace: demo, resourceVersion: "90", labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.244.1.6], nodeName: b}, {addresses: [10.244.0.7], nodeName: a}]
---
kind: EndpointSlice
addressType: IPv6
metadata: {name: web-6, namespace: demo, resourceVersion: "91", labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080}]
endpoints: [{addresses: ["fd00:10::7"], nodeName: a}]
---
kind: Service
metadata: {name: twin, namespace: demo, resourceVersion: "82"}
spec: {clusterIP: 10.96.0.51, clusterIPs: [10.96.0.51], ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: EndpointSlice
addressType: IPv4
metadata: {name: twin-x, namespace: demo, resourceVersion: "92", labels: {kubernetes.io/service-name: twin}}
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.244.0.7], nodeName: a}]
`).map((document) => document.toJS() as KubeObject);

const textOf = (mode: ProxyMode) =>
  rulesText({
    objects,
    nodeName: 'a',
    settings: { mode, clusterCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] },
    families: ['IPv4', 'IPv6'],
  });

/** The sources of the one rule that holds all the words. */
async function sourcesOf(mode: ProxyMode, ...words: string[]): Promise<string[]> {
  const rules = explainRules(objects, await textOf(mode)).filter(({ line }) =>
    words.every((word) => line.includes(word)),
  );
  expect(rules.map(({ line }) => line)).toHaveLength(1);
  return (rules[0]?.sources ?? [])
    .map(({ object, field, resourceVersion }) => `${object} ${field} ${resourceVersion}`)
    .sort();
}

test.each(proxyModes)('%s: without its comments the explained text is the text', async (mode) => {
  const text = await textOf(mode);
  const plain = explainedText(explainRules(objects, text))
    .split('\n')
    .filter((line) => !/^\s*# (?:Service|EndpointSlice|Node) /.test(line));
  expect(plain.join('\n')).toBe(text);
});

const web = (field: string) => `Service demo/web ${field} 81`;

test('an element of nftables names the Service, its port and the endpoint of its own slice', async () => {
  expect(await sourcesOf('nftables', '10.96.0.51 . tcp . 80 . 0 :')).toEqual([
    'EndpointSlice demo/twin-x endpoints[0].addresses[0] 92',
    'EndpointSlice demo/twin-x ports[0].port 92',
    'Service demo/twin spec.clusterIPs[0] 82',
    'Service demo/twin spec.ports[0].port 82',
  ]);
  expect(await sourcesOf('nftables', '[fd00:10::7]:8080')).toEqual([
    'EndpointSlice demo/web-6 endpoints[0].addresses[0] 91',
    'EndpointSlice demo/web-6 ports[0].port 91',
    web('metadata.name'),
  ]);
});

test('a chain of iptables whose name is a hash is the Service that its rules tell of', async () => {
  expect(await sourcesOf('iptables', 'demo/web:http', '-s 10.244.1.6 ', 'KUBE-MARK-MASQ')).toEqual([
    'EndpointSlice demo/web-x endpoints[0].addresses[0] 90',
    web('metadata.name'),
  ]);
  expect(await sourcesOf('iptables', '10.96.0.50', '-A KUBE-SERVICES')).toEqual([
    web('spec.clusterIPs[0]'),
    web('spec.ports[0].port'),
  ]);
});

test('a server of ipvs on a node port names node, Service and endpoint', async () => {
  expect(await sourcesOf('ipvs', '-a -t 172.30.0.11:30080 -r 10.244.0.7:8080')).toEqual([
    'EndpointSlice demo/web-x endpoints[1].addresses[0] 90',
    'EndpointSlice demo/web-x ports[0].port 90',
    'Node a status.addresses[0] 3',
    web('spec.ports[0].nodePort'),
  ]);
  expect(await sourcesOf('ipvs', '-A -t 10.96.0.50:80')).toEqual([
    web('spec.clusterIPs[0]'),
    web('spec.ports[0].port'),
    web('spec.sessionAffinity'),
  ]);
});

test('what is there whatever the objects say has no source', async () => {
  const rules = explainRules(objects, await textOf('nftables'));
  expect(rules.find(({ line }) => line.includes('chain lb-7 '))?.sources).toEqual([]);
});
