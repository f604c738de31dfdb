import { describe, expect, test } from 'vitest';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { configurationVersion, decodeConfiguration } from './decode.ts';
import { encodeConfiguration } from './encode.ts';
import { defaultConfiguration, type KubeProxyConfiguration } from './fields.ts';
import { configurationFlags, withFlags } from './flags.ts';
import { settingsOf, warningsOf } from './to-settings.ts';
import { validateConfiguration } from './validate.ts';

const head = { apiVersion: configurationVersion, kind: 'KubeProxyConfiguration' };
const read = (file: object): KubeProxyConfiguration => decodeConfiguration({ ...head, ...file }).configuration;
const flags = (given: Record<string, string>, from = defaultConfiguration()) =>
  withFlags(from, new Map(Object.entries(given)));
const problems = (change: Partial<KubeProxyConfiguration>) =>
  validateConfiguration({ ...defaultConfiguration(), ...change }).map(fieldErrorMessage);

describe('a file', () => {
  test("gets upstream's defaults", () => {
    expect(encodeConfiguration(read({}))).toEqual({
      ...head,
      bindAddress: '0.0.0.0',
      bindAddressHardFail: false,
      clientConnection: {
        acceptContentTypes: '',
        burst: 10,
        contentType: 'application/vnd.kubernetes.protobuf',
        kubeconfig: '',
        qps: 5,
      },
      clusterCIDR: '',
      configSyncPeriod: '15m0s',
      conntrack: {
        maxPerCore: 32768,
        min: 131072,
        tcpBeLiberal: false,
        tcpCloseWaitTimeout: '1h0m0s',
        tcpEstablishedTimeout: '24h0m0s',
        udpStreamTimeout: '0s',
        udpTimeout: '0s',
      },
      detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
      detectLocalMode: '',
      enableProfiling: false,
      healthzBindAddress: '0.0.0.0:10256',
      hostnameOverride: '',
      iptables: {
        localhostNodePorts: true,
        masqueradeAll: false,
        masqueradeBit: 14,
        minSyncPeriod: '1s',
        syncPeriod: '30s',
      },
      ipvs: {
        excludeCIDRs: [],
        minSyncPeriod: '0s',
        scheduler: '',
        strictARP: false,
        syncPeriod: '30s',
        tcpFinTimeout: '0s',
        tcpTimeout: '0s',
        udpTimeout: '0s',
      },
      logging: { flushFrequency: '5s', format: 'text', verbosity: 0 },
      metricsBindAddress: '127.0.0.1:10249',
      mode: '',
      nftables: { masqueradeAll: false, masqueradeBit: 14, minSyncPeriod: '0s', syncPeriod: '30s' },
      nodePortAddresses: [],
      oomScoreAdj: -999,
      portRange: '',
      showHiddenMetricsForVersion: '',
    });
  });

  test('that was written reads back the same', () => {
    const configuration = flags({
      'proxy-mode': 'iptables',
      'cluster-cidr': '10.244.0.0/16,fd00:10:244::/56',
      'nodeport-addresses': '10.0.0.0/8,fd00::/8',
      'conntrack-tcp-timeout-established': '0s',
      'oom-score-adj': '0',
      'feature-gates': 'A=true,B=false',
    });
    expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual({ configuration, unknown: [] });
  });

  test('keeps a zero where zero says something, and takes it for nothing said elsewhere', () => {
    const configuration = read({
      conntrack: { maxPerCore: 0, min: null, tcpEstablishedTimeout: '0s' },
      iptables: { masqueradeBit: 0, syncPeriod: '0s', localhostNodePorts: false },
      clientConnection: { burst: 0 },
    });
    expect(configuration).toMatchObject({
      'conntrack.maxPerCore': 0,
      'conntrack.min': 131072,
      'conntrack.tcpEstablishedTimeout': 0,
      'iptables.masqueradeBit': 0,
      'iptables.syncPeriod': 30_000,
      'iptables.localhostNodePorts': false,
      'clientConnection.burst': 10,
    });
  });

  test('of an IPv6 node listens on IPv6, and an address without a port gets the usual one', () => {
    expect(read({ bindAddress: '::' })).toMatchObject({
      healthzBindAddress: '[::]:10256',
      metricsBindAddress: '[::1]:10249',
    });
    expect(read({ healthzBindAddress: '10.0.0.1', metricsBindAddress: 'fd00::1' })).toMatchObject({
      healthzBindAddress: '10.0.0.1:10256',
      metricsBindAddress: '[fd00::1]:10249',
    });
  });

  test('tells which fields nobody knows, and works without them', () => {
    const { configuration, unknown } = decodeConfiguration({
      ...head,
      mode: 'iptables',
      udpIdleTimeout: '250ms',
      conntrack: { min: 5, max: 7 },
    });
    expect(unknown).toEqual(['unknown field "udpIdleTimeout"', 'unknown field "conntrack.max"']);
    expect(configuration).toMatchObject({ mode: 'iptables', 'conntrack.min': 5 });
  });

  test.each([
    [{ ...head, apiVersion: 'kubeproxy.config.k8s.io/v1' }, 'no kind "KubeProxyConfiguration" is registered'],
    [{ apiVersion: configurationVersion }, "Object 'Kind' is missing"],
    [[], 'holds no object'],
    [{ ...head, mode: 3 }, 'cannot unmarshal number into Go struct field KubeProxyConfiguration.mode of type string'],
    [{ ...head, conntrack: [] }, 'cannot unmarshal array'],
    [{ ...head, conntrack: { min: 1.5 } }, 'of type int32'],
    [{ ...head, nodePortAddresses: 'primary' }, 'of type []string'],
    [{ ...head, iptables: { syncPeriod: '30' } }, 'time: invalid duration "30"'],
  ])('is refused: %j', (file, message) => {
    expect(() => decodeConfiguration(file)).toThrow(message);
  });
});

describe('flags', () => {
  test('win over the file, and leave the rest to it', () => {
    const configuration = flags({ 'proxy-mode': 'iptables' }, read({ mode: 'ipvs', oomScoreAdj: 5 }));
    expect(configuration).toMatchObject({ mode: 'iptables', oomScoreAdj: 5 });
  });

  test('that several modes share set the field of each', () => {
    expect(flags({ 'masquerade-all': 'true', 'iptables-sync-period': '1m' })).toMatchObject({
      'iptables.masqueradeAll': true,
      'nftables.masqueradeAll': true,
      'iptables.syncPeriod': 60_000,
      'nftables.syncPeriod': 60_000,
      'ipvs.syncPeriod': 30_000,
    });
  });

  test('close the servers, and add the usual port to an address', () => {
    expect(flags({ 'healthz-bind-address': '', 'metrics-bind-address': '0.0.0.0' })).toMatchObject({
      healthzBindAddress: '',
      metricsBindAddress: '0.0.0.0:10249',
    });
    expect(flags({ 'healthz-port': '0', 'metrics-port': '1' })).toMatchObject({
      healthzBindAddress: '',
      metricsBindAddress: '127.0.0.1:10249',
    });
  });

  test.each([
    ['conntrack-min', 'many', 'invalid argument "many" for "--conntrack-min" flag: strconv.ParseInt: parsing "many"'],
    ['conntrack-min', '99999999999', 'value out of range'],
    ['masquerade-all', 'perhaps', 'strconv.ParseBool: parsing "perhaps": invalid syntax'],
    ['iptables-sync-period', '5', 'time: invalid duration "5"'],
    ['feature-gates', 'A', 'malformed pair, expect string=bool'],
    ['kube-api-qps', '', 'strconv.ParseFloat'],
    ['healthz-port', 'x', 'strconv.ParseInt'],
  ])('--%s %s is refused', (flag, text, message) => {
    expect(() => flags({ [flag]: text })).toThrow(message);
  });

  test('are each described once', () => {
    const described = configurationFlags();
    expect(new Set(described.map(({ flag }) => flag)).size).toBe(described.length);
    expect(described.filter(({ help }) => help === undefined)).toEqual([]);
  });
});

describe('validation', () => {
  test('finds nothing wrong with the defaults', () => {
    for (const mode of ['', 'nftables', 'iptables', 'ipvs']) expect(problems({ mode })).toEqual([]);
  });

  const root = 'KubeProxyConfiguration';
  const linux = `${root}.KubeProxyLinuxConfiguration`;
  test.each<[Partial<KubeProxyConfiguration>, string[]]>([
    [
      { 'iptables.masqueradeBit': 32 },
      [`${root}.KubeProxyIPTablesConfiguration.MasqueradeBit: Invalid value: 32: must be within the range [0, 31]`],
    ],
    [
      { mode: 'nftables', 'nftables.masqueradeBit': -1 },
      [`${root}.KubeProxyNFTablesConfiguration.MasqueradeBit: Invalid value: -1: must be within the range [0, 31]`],
    ],
    [
      { mode: 'userspace' },
      [
        `${root}.Mode.ProxyMode: Invalid value: "userspace": must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently nftables])`,
      ],
    ],
    [
      { 'conntrack.maxPerCore': -1, 'conntrack.udpTimeout': -1000 },
      [
        `${linux}.KubeProxyConntrackConfiguration.MaxPerCore: Invalid value: -1: must be greater than or equal to 0`,
        `${linux}.KubeProxyConntrackConfiguration.UDPTimeout: Invalid value: "-1s": must be greater than or equal to 0`,
      ],
    ],
    [{ oomScoreAdj: 1001 }, [`${linux}.OOMScoreAdj: Invalid value: 1001: must be within the range [-1000, 1000]`]],
    [
      { 'clientConnection.burst': -1 },
      [`${root}.ClientConnection.Burst: Invalid value: -1: must be greater than or equal to 0`],
    ],
    [{ configSyncPeriod: 0 }, [`${root}.ConfigSyncPeriod: Invalid value: "0s": must be greater than 0`]],
    [
      { mode: 'iptables', 'iptables.minSyncPeriod': 60_000 },
      [`${root}.SyncPeriod: Invalid value: "1m0s": must be greater than or equal to ${root}.MinSyncPeriod`],
    ],
    [
      { mode: 'ipvs', 'ipvs.minSyncPeriod': -1000, 'ipvs.excludeCIDRs': ['10.0.0.0/8', 'x'], 'ipvs.tcpTimeout': -1 },
      [
        `${root}.KubeProxyIPVSConfiguration.TCPTimeout: Invalid value: "-1ms": must be greater than or equal to 0`,
        `${root}.KubeProxyIPVSConfiguration.ExcludeCidrs[1]: Invalid value: "x": must be a valid CIDR`,
        `${root}.MinSyncPeriod: Invalid value: "-1s": must be greater than or equal to 0`,
      ],
    ],
    [
      { bindAddress: '10.0.0.1:80' },
      [`${root}.BindAddress: Invalid value: "10.0.0.1:80": not a valid textual representation of an IP address`],
    ],
    [{ healthzBindAddress: '0.0.0.0' }, [`${root}.HealthzBindAddress: Invalid value: "0.0.0.0": must be IP:port`]],
    [
      { metricsBindAddress: 'here:0' },
      [
        `${root}.MetricsBindAddress: Invalid value: "here": must be a valid IP`,
        `${root}.MetricsBindAddress: Invalid value: "0": must be a valid port`,
      ],
    ],
    [{ healthzBindAddress: '[::]:10256', metricsBindAddress: '' }, []],
    [{ portRange: '3-x' }, [`${root}.PortRange: Invalid value: "3-x": must be a valid port range (e.g. 300-2000)`]],
    [
      { nodePortAddresses: ['1.2.3', 'primary'] },
      [
        `${root}.NodePortAddresses[0]: Invalid value: "1.2.3": must be a valid CIDR`,
        `${root}.NodePortAddresses[1]: Invalid value: "primary": can't use both 'primary' and CIDRs`,
      ],
    ],
    [
      { showHiddenMetricsForVersion: '1.30' },
      [
        `${root}.ShowHiddenMetricsForVersion: Invalid value: "1.30": --show-hidden-metrics-for-version must be omitted or have the value '1.35'. Only the previous minor version is allowed`,
      ],
    ],
    [
      { detectLocalMode: 'Guess' },
      [
        `${root}.DetectLocalMode: Unsupported value: "Guess": supported values: "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", ""`,
      ],
    ],
    [
      { detectLocalMode: 'BridgeInterface' },
      [`${root}.DetectLocalConfiguration.InterfaceName: Invalid value: "": must not be empty`],
    ],
    [
      { detectLocalMode: 'InterfaceNamePrefix' },
      [`${root}.DetectLocalConfiguration.InterfacePrefix: Invalid value: "": must not be empty`],
    ],
    [
      { clusterCIDR: '10.244.0.0' },
      [
        `${root}.DetectLocalConfiguration.ClusterCIDRs[0]: Invalid value: "10.244.0.0": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)`,
      ],
    ],
    [
      { clusterCIDR: '10.244.0.0/16,10.0.0.0/8' },
      [
        `${root}.DetectLocalConfiguration.ClusterCIDRs: Invalid value: ["10.244.0.0/16","10.0.0.0/8"]: must be a either a single CIDR or dual-stack pair of CIDRs (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]`,
      ],
    ],
    [{ detectLocalMode: 'NodeCIDR', clusterCIDR: 'ignored' }, []],
    [{ 'logging.format': 'xml' }, [`${root}.logging.format: Invalid value: "xml": Unsupported log format`]],
  ])('%j', (change, expected) => {
    expect(problems(change)).toEqual(expected);
  });
});

describe('settings', () => {
  test('take what their mode is told', () => {
    const configuration = {
      ...defaultConfiguration(),
      'nftables.masqueradeBit': 3,
      'iptables.masqueradeBit': 5,
      'iptables.masqueradeAll': true,
      'ipvs.minSyncPeriod': 7,
    };
    const of = (mode: string) => settingsOf({ ...configuration, mode });
    expect(of('')).toMatchObject({ mode: 'nftables', masqueradeBit: 3, masqueradeAll: false, minSyncPeriod: 0 });
    expect(of('iptables')).toMatchObject({ masqueradeBit: 5, masqueradeAll: true, minSyncPeriod: 1000 });
    expect(of('ipvs')).toMatchObject({ masqueradeBit: 5, minSyncPeriod: 7, ipvs: { scheduler: 'rr' } });
  });

  test('say how pods are told apart', () => {
    const of = (detectLocalMode: string) =>
      settingsOf(
        flags({
          'detect-local-mode': detectLocalMode,
          'pod-bridge-interface': 'br0',
          'pod-interface-name-prefix': 'veth',
        }),
      ).detectLocal;
    expect(of('')).toEqual({ mode: 'ClusterCIDR' });
    expect(of('NodeCIDR')).toEqual({ mode: 'NodeCIDR' });
    expect(of('BridgeInterface')).toEqual({ mode: 'BridgeInterface', bridge: 'br0' });
    expect(of('InterfaceNamePrefix')).toEqual({ mode: 'InterfaceNamePrefix', prefix: 'veth' });
  });

  test('come with warnings', () => {
    const quiet = { 'cluster-cidr': '10.244.0.0/16', 'nodeport-addresses': 'primary' };
    expect(warningsOf(flags(quiet))).toEqual([]);
    expect(warningsOf(flags({ ...quiet, 'proxy-mode': 'ipvs' })).join()).toContain('deprecated');
    expect(warningsOf(defaultConfiguration()).join()).toContain('no cluster CIDR');
    expect(warningsOf(flags({ 'proxy-mode': 'iptables' })).join()).toContain('`--nodeport-addresses primary`');
  });
});
