// Where packets of the packet lab fare otherwise in mode ipvs than under the iptables rules that were recorded
// (service-semantics 3.2 and 6): what is seen instead, by the names of the probes. That these virtual servers are
// kube-proxy's own is recorded, too (rules/*.ipvs), and traces are held against it; what a kernel makes of them is looked at on
// the emulated machine.

export interface KnownDifference {
  readonly reason: string;
  readonly probes: Readonly<Record<string, readonly string[]>>;
}

export const ipvsDifferences: readonly KnownDifference[] = [
  {
    reason: 'a virtual server has the local endpoints under externalTrafficPolicy Local, for pods and the node as well',
    probes: {
      'node -> default/npl node-port 172.18.0.2:30081/TCP': ['10.244.1.9 8080 from node'],
      'pod -> default/npl node-port 172.18.0.2:30081/TCP': ['10.244.1.9 8080 from client'],
      'node -> default/lbl lb-ip 192.0.2.12:80/TCP': ['10.244.1.17 8080 from node'],
      'pod -> default/lbl lb-ip 192.0.2.12:80/TCP': ['10.244.1.17 8080 from client'],
      'node -> default/lbl node-port 172.18.0.2:30085/TCP': ['10.244.1.17 8080 from node'],
      'pod -> default/lbl node-port 172.18.0.2:30085/TCP': ['10.244.1.17 8080 from client'],
    },
  },
  {
    reason: 'without local endpoints policy Local falls back to those of the cluster, for traffic from outside as well',
    probes: { 'ext -> default/npl2 node-port 172.18.0.2:30082/TCP': ['10.244.2.12 8080 from client'] },
  },
  {
    reason: 'internalTrafficPolicy Local without local endpoints is a virtual server without real ones, which refuses',
    probes: {
      'ext -> default/itl-none cluster-ip 10.96.0.60:80/TCP': ['refused'],
      'node -> default/itl-none cluster-ip 10.96.0.60:80/TCP': ['refused'],
      'pod -> default/itl-none cluster-ip 10.96.0.60:80/TCP': ['refused'],
    },
  },
];
