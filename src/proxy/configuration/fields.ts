// The fields of KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) and the flags of kube-proxy v1.36 that set them.

export interface Field {
  /** Where it stands in the file. */
  readonly path: string;
  readonly type: 'string' | 'bool' | 'int32' | 'float' | 'duration' | 'strings' | 'gates' | 'opaque';
  /** Durations in milliseconds. */
  readonly initial: unknown;
  /** In a file, an explicit zero or empty value is kept; without this it means the default, as Go's zero values do. */
  readonly keepsZero?: true;
  /** Left out of a written file while it is empty. */
  readonly omitEmpty?: true;
  /** Without the dashes; several fields may share one. */
  readonly flag?: string;
  readonly help?: string;
}

const minute = 60_000;

export const fields = [
  {
    path: 'bindAddress',
    type: 'string',
    initial: '0.0.0.0',
    flag: 'bind-address',
    help: "overrides the node's primary IP, and with it the primary IP family; nothing listens there",
  },
  {
    path: 'bindAddressHardFail',
    type: 'bool',
    initial: false,
    flag: 'bind-address-hard-fail',
    help: 'end when the address of /healthz or /metrics is taken',
  },
  { path: 'clientConnection.acceptContentTypes', type: 'string', initial: '' },
  {
    path: 'clientConnection.burst',
    type: 'int32',
    initial: 10,
    flag: 'kube-api-burst',
    help: 'accepted; three watches need no limit',
  },
  {
    path: 'clientConnection.contentType',
    type: 'string',
    initial: 'application/vnd.kubernetes.protobuf',
    flag: 'kube-api-content-type',
    help: 'accepted; JSON is asked for',
  },
  {
    path: 'clientConnection.kubeconfig',
    type: 'string',
    initial: '',
    flag: 'kubeconfig',
    help: 'how to reach the API server (default: as a pod, by its service account)',
  },
  {
    path: 'clientConnection.qps',
    type: 'float',
    initial: 5,
    flag: 'kube-api-qps',
    help: 'accepted; three watches need no limit',
  },
  {
    path: 'clusterCIDR',
    type: 'string',
    initial: '',
    flag: 'cluster-cidr',
    help: 'addresses of pods: one prefix, or one of each family with a comma, for --detect-local-mode ClusterCIDR',
  },
  {
    path: 'configSyncPeriod',
    type: 'duration',
    initial: 15 * minute,
    flag: 'config-sync-period',
    help: 'accepted; watches need no refresh',
  },
  {
    path: 'conntrack.maxPerCore',
    type: 'int32',
    initial: 32 * 1024,
    keepsZero: true,
    flag: 'conntrack-max-per-core',
    help: 'tracked connections per core of the machine; 0 leaves the limit alone',
  },
  {
    path: 'conntrack.min',
    type: 'int32',
    initial: 128 * 1024,
    keepsZero: true,
    flag: 'conntrack-min',
    help: 'the least that --conntrack-max-per-core comes to',
  },
  {
    path: 'conntrack.tcpBeLiberal',
    type: 'bool',
    initial: false,
    flag: 'conntrack-tcp-be-liberal',
    help: 'track TCP packets outside their window, too (nf_conntrack_tcp_be_liberal)',
  },
  {
    path: 'conntrack.tcpCloseWaitTimeout',
    type: 'duration',
    initial: 60 * minute,
    keepsZero: true,
    flag: 'conntrack-tcp-timeout-close-wait',
    help: 'for TCP connections in CLOSE_WAIT; 0 leaves it alone',
  },
  {
    path: 'conntrack.tcpEstablishedTimeout',
    type: 'duration',
    initial: 24 * 60 * minute,
    keepsZero: true,
    flag: 'conntrack-tcp-timeout-established',
    help: 'for idle TCP connections; 0 leaves it alone',
  },
  {
    path: 'conntrack.udpStreamTimeout',
    type: 'duration',
    initial: 0,
    flag: 'conntrack-udp-timeout-stream',
    help: 'for idle UDP flows that were answered; 0 leaves it alone',
  },
  {
    path: 'conntrack.udpTimeout',
    type: 'duration',
    initial: 0,
    flag: 'conntrack-udp-timeout',
    help: 'for idle UDP flows without an answer; 0 leaves it alone',
  },
  {
    path: 'detectLocal.bridgeInterface',
    type: 'string',
    initial: '',
    flag: 'pod-bridge-interface',
    help: 'the bridge of the pods, for --detect-local-mode BridgeInterface',
  },
  {
    path: 'detectLocal.interfaceNamePrefix',
    type: 'string',
    initial: '',
    flag: 'pod-interface-name-prefix',
    help: "how pods' interfaces begin, for --detect-local-mode InterfaceNamePrefix",
  },
  {
    path: 'detectLocalMode',
    type: 'string',
    initial: '',
    flag: 'detect-local-mode',
    help: 'what tells pods from others: ClusterCIDR (default), NodeCIDR, BridgeInterface or InterfaceNamePrefix',
  },
  {
    path: 'enableProfiling',
    type: 'bool',
    initial: false,
    flag: 'profiling',
    help: 'accepted; `kill -USR1` opens the inspector of Node.js',
  },
  {
    path: 'featureGates',
    type: 'gates',
    initial: {},
    omitEmpty: true,
    flag: 'feature-gates',
    help: 'NAME=true|false, comma-separated; AllowServiceExternalIPs=false is heeded, others are accepted',
  },
  {
    path: 'healthzBindAddress',
    type: 'string',
    initial: '',
    flag: 'healthz-bind-address',
    help: 'where /healthz and /livez are (default 0.0.0.0:10256); empty for nowhere',
  },
  {
    path: 'hostnameOverride',
    type: 'string',
    initial: '',
    flag: 'hostname-override',
    help: 'the name of this node (default: its host name)',
  },
  {
    path: 'iptables.localhostNodePorts',
    type: 'bool',
    initial: true,
    keepsZero: true,
    flag: 'iptables-localhost-nodeports',
    help: 'whether node ports answer on 127.0.0.1 in iptables mode',
  },
  {
    path: 'iptables.masqueradeAll',
    type: 'bool',
    initial: false,
    flag: 'masquerade-all',
    help: 'masquerade all traffic to cluster IPs',
  },
  {
    path: 'iptables.masqueradeBit',
    type: 'int32',
    initial: 14,
    keepsZero: true,
    flag: 'iptables-masquerade-bit',
    help: 'bit of the packet mark that asks for masquerading in iptables and ipvs mode, 0 to 31',
  },
  {
    path: 'iptables.minSyncPeriod',
    type: 'duration',
    initial: 1000,
    flag: 'iptables-min-sync-period',
    help: 'the least time between two syncs in iptables and nftables mode (default 1s and 0s)',
  },
  {
    path: 'iptables.syncPeriod',
    type: 'duration',
    initial: 30_000,
    flag: 'iptables-sync-period',
    help: 'how often rules are looked for, and failed syncs tried again at the latest, in iptables and nftables mode',
  },
  {
    path: 'ipvs.excludeCIDRs',
    type: 'strings',
    initial: [],
    flag: 'ipvs-exclude-cidrs',
    help: 'virtual servers in these prefixes are not ours to remove',
  },
  {
    path: 'ipvs.minSyncPeriod',
    type: 'duration',
    initial: 0,
    flag: 'ipvs-min-sync-period',
    help: 'the least time between two syncs in ipvs mode',
  },
  {
    path: 'ipvs.scheduler',
    type: 'string',
    initial: '',
    flag: 'ipvs-scheduler',
    help: 'how ipvs picks an endpoint (default rr)',
  },
  {
    path: 'ipvs.strictARP',
    type: 'bool',
    initial: false,
    flag: 'ipvs-strict-arp',
    help: 'arp_ignore 1 and arp_announce 2, in ipvs mode',
  },
  {
    path: 'ipvs.syncPeriod',
    type: 'duration',
    initial: 30_000,
    flag: 'ipvs-sync-period',
    help: 'as --iptables-sync-period, in ipvs mode',
  },
  {
    path: 'ipvs.tcpFinTimeout',
    type: 'duration',
    initial: 0,
    flag: 'ipvs-tcpfin-timeout',
    help: 'for ipvs connections after a FIN; 0 leaves it alone',
  },
  {
    path: 'ipvs.tcpTimeout',
    type: 'duration',
    initial: 0,
    flag: 'ipvs-tcp-timeout',
    help: 'for idle ipvs TCP connections; 0 leaves it alone',
  },
  {
    path: 'ipvs.udpTimeout',
    type: 'duration',
    initial: 0,
    flag: 'ipvs-udp-timeout',
    help: 'for ipvs UDP packets; 0 leaves it alone',
  },
  {
    path: 'logging.flushFrequency',
    type: 'opaque',
    initial: '5s',
    flag: 'log-flush-frequency',
    help: 'accepted; lines are written at once',
  },
  { path: 'logging.format', type: 'string', initial: 'text', flag: 'logging-format', help: 'text or json' },
  { path: 'logging.options', type: 'opaque', initial: undefined },
  { path: 'logging.verbosity', type: 'int32', initial: 0, flag: 'v', help: 'accepted; there is one level' },
  { path: 'logging.vmodule', type: 'opaque', initial: undefined, flag: 'vmodule', help: 'accepted' },
  {
    path: 'metricsBindAddress',
    type: 'string',
    initial: '',
    flag: 'metrics-bind-address',
    help: 'where /metrics is (default 127.0.0.1:10249); empty for nowhere',
  },
  {
    path: 'mode',
    type: 'string',
    initial: '',
    flag: 'proxy-mode',
    help: 'nftables (default), iptables or ipvs',
  },
  { path: 'nftables.masqueradeAll', type: 'bool', initial: false, flag: 'masquerade-all' },
  { path: 'nftables.masqueradeBit', type: 'int32', initial: 14, keepsZero: true },
  // Upstream's default is 1s since a sync costs it that much; here it is a few milliseconds.
  { path: 'nftables.minSyncPeriod', type: 'duration', initial: 0, flag: 'iptables-min-sync-period' },
  { path: 'nftables.syncPeriod', type: 'duration', initial: 30_000, flag: 'iptables-sync-period' },
  {
    path: 'nodePortAddresses',
    type: 'strings',
    initial: [],
    flag: 'nodeport-addresses',
    help: 'addresses that accept node ports: prefixes, or "primary" (the default in nftables mode)',
  },
  {
    path: 'oomScoreAdj',
    type: 'int32',
    initial: -999,
    keepsZero: true,
    flag: 'oom-score-adj',
    help: 'of this process, -1000 to 1000',
  },
  { path: 'portRange', type: 'string', initial: '' },
  {
    path: 'showHiddenMetricsForVersion',
    type: 'string',
    initial: '',
    flag: 'show-hidden-metrics-for-version',
    help: 'accepted; no metric is hidden',
  },
  { path: 'windowsRunAsService', type: 'bool', initial: false, omitEmpty: true },
  { path: 'winkernel', type: 'opaque', initial: undefined },
] as const satisfies readonly Field[];

/** The same, for those who go through them. */
export const allFields: readonly Field[] = fields;

interface ValueTypes {
  readonly string: string;
  readonly bool: boolean;
  readonly int32: number;
  readonly float: number;
  readonly duration: number;
  readonly strings: readonly string[];
  readonly gates: Readonly<Record<string, boolean>>;
  readonly opaque: unknown;
}

type KnownField = (typeof fields)[number];

/** All fields by their paths, durations in milliseconds. */
export type KubeProxyConfiguration = {
  readonly [F in KnownField as F['path']]: ValueTypes[F['type']];
};

export type ConfigurationPath = keyof KubeProxyConfiguration;

/** Every field as it is when nobody says anything, the addresses of /healthz and /metrics too. */
export function defaultConfiguration(): KubeProxyConfiguration {
  const values = Object.fromEntries(fields.map(({ path, initial }) => [path, initial]));
  return withDefaultAddresses(values as unknown as KubeProxyConfiguration);
}

export const healthzPort = 10256;
export const metricsPort = 10249;

/** Fills in where /healthz and /metrics are, by the family of bindAddress; an address without a port gets the usual one. */
export function withDefaultAddresses(configuration: KubeProxyConfiguration): KubeProxyConfiguration {
  const [everywhere, loopback] = configuration.bindAddress.includes(':') ? ['[::]', '[::1]'] : ['0.0.0.0', '127.0.0.1'];
  const { healthzBindAddress, metricsBindAddress } = configuration;
  return {
    ...configuration,
    healthzBindAddress: withPort(healthzBindAddress, healthzPort) || `${everywhere}:${healthzPort}`,
    metricsBindAddress: withPort(metricsBindAddress, metricsPort) || `${loopback}:${metricsPort}`,
  };
}

/** Adds a port to a bare IP; other text stays as it is. */
export function withPort(address: string, port: number): string {
  if (/^[0-9.]+$/.test(address)) return `${address}:${port}`;
  if (/^[0-9a-fA-F:]+$/.test(address) && address.split(':').length > 2) return `[${address}]:${port}`;
  return address;
}
