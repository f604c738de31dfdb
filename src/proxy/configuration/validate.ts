// Judges a configuration as kube-proxy v1.36 does, with its paths and its words.
import { formatGoDuration } from '../../apimachinery/duration.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { familyOf as ipFamilyOf } from '../../net/ip.ts';
import { familyOf, isCIDR } from '../address.ts';
import type { ConfigurationPath, KubeProxyConfiguration } from './fields.ts';

const isIP = (text: string): boolean => ipFamilyOf(text) !== undefined;

const root = 'KubeProxyConfiguration';
const conntrack = `${root}.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration`;
const bitRange = 'must be within the range [0, 31]';
const notNegative = 'must be greater than or equal to 0';
const positive = 'must be greater than 0';
/** The only one whose metrics may still be asked for: the minor version before v1.36. */
const previousVersion = '1.35';

export const localModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const;
export type LocalMode = (typeof localModes)[number];

type NumberPath = { [P in ConfigurationPath]: KubeProxyConfiguration[P] extends number ? P : never }[ConfigurationPath];

/** What is wrong with the configuration; empty when nothing is. */
export function validateConfiguration(configuration: KubeProxyConfiguration): FieldError[] {
  return [
    ...masqueradeBit(configuration, 'iptables.masqueradeBit', 'KubeProxyIPTablesConfiguration'),
    ...(configuration.mode === 'ipvs' ? ipvsErrors(configuration) : []),
    ...(configuration.mode === 'nftables' || configuration.mode === ''
      ? masqueradeBit(configuration, 'nftables.masqueradeBit', 'KubeProxyNFTablesConfiguration')
      : []),
    ...conntrackErrors(configuration),
    ...oomErrors(configuration),
    ...modeErrors(configuration),
    ...atLeastZero(configuration, 'clientConnection.burst', `${root}.ClientConnection.Burst`),
    ...periodErrors(configuration),
    ...addressErrors(configuration),
    ...nodePortAddressErrors(configuration.nodePortAddresses),
    ...versionErrors(configuration.showHiddenMetricsForVersion),
    ...localModeErrors(configuration),
    ...loggingErrors(configuration),
  ];
}

function masqueradeBit(configuration: KubeProxyConfiguration, path: NumberPath, group: string): FieldError[] {
  const bit = configuration[path];
  return bit < 0 || bit > 31 ? [fieldError.invalid(`${root}.${group}.MasqueradeBit`, bit, bitRange)] : [];
}

function atLeastZero(configuration: KubeProxyConfiguration, path: NumberPath, field: string): FieldError[] {
  const value = configuration[path];
  return value < 0 ? [fieldError.invalid(field, value, notNegative)] : [];
}

function durationAtLeastZero(configuration: KubeProxyConfiguration, path: NumberPath, field: string): FieldError[] {
  const value = configuration[path];
  return value < 0 ? [fieldError.invalid(field, formatGoDuration(value), notNegative)] : [];
}

function ipvsErrors(configuration: KubeProxyConfiguration): FieldError[] {
  const group = `${root}.KubeProxyIPVSConfiguration`;
  return [
    ...durationAtLeastZero(configuration, 'ipvs.tcpTimeout', `${group}.TCPTimeout`),
    ...durationAtLeastZero(configuration, 'ipvs.tcpFinTimeout', `${group}.TCPFinTimeout`),
    ...durationAtLeastZero(configuration, 'ipvs.udpTimeout', `${group}.UDPTimeout`),
    ...configuration['ipvs.excludeCIDRs'].flatMap((text, index) =>
      isCIDR(text) ? [] : [fieldError.invalid(`${group}.ExcludeCidrs[${index}]`, text, 'must be a valid CIDR')],
    ),
  ];
}

function conntrackErrors(configuration: KubeProxyConfiguration): FieldError[] {
  return [
    ...atLeastZero(configuration, 'conntrack.maxPerCore', `${conntrack}.MaxPerCore`),
    ...atLeastZero(configuration, 'conntrack.min', `${conntrack}.Min`),
    ...durationAtLeastZero(configuration, 'conntrack.tcpEstablishedTimeout', `${conntrack}.TCPEstablishedTimeout`),
    ...durationAtLeastZero(configuration, 'conntrack.tcpCloseWaitTimeout', `${conntrack}.TCPCloseWaitTimeout`),
    ...durationAtLeastZero(configuration, 'conntrack.udpTimeout', `${conntrack}.UDPTimeout`),
    ...durationAtLeastZero(configuration, 'conntrack.udpStreamTimeout', `${conntrack}.UDPStreamTimeout`),
  ];
}

function oomErrors({ oomScoreAdj }: KubeProxyConfiguration): FieldError[] {
  if (oomScoreAdj >= -1000 && oomScoreAdj <= 1000) return [];
  const field = `${root}.KubeProxyLinuxConfiguration.OOMScoreAdj`;
  return [fieldError.invalid(field, oomScoreAdj, 'must be within the range [-1000, 1000]')];
}

function modeErrors({ mode }: KubeProxyConfiguration): FieldError[] {
  if (['', 'iptables', 'ipvs', 'nftables'].includes(mode)) return [];
  const known = 'must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently nftables])';
  return [fieldError.invalid(`${root}.Mode.ProxyMode`, mode, known)];
}

/** The periods of the mode in force. */
export function syncPeriods(configuration: KubeProxyConfiguration): { readonly sync: number; readonly min: number } {
  const mode = configuration.mode === 'iptables' || configuration.mode === 'ipvs' ? configuration.mode : 'nftables';
  return { sync: configuration[`${mode}.syncPeriod`], min: configuration[`${mode}.minSyncPeriod`] };
}

function periodErrors(configuration: KubeProxyConfiguration): FieldError[] {
  const { sync, min } = syncPeriods(configuration);
  const { configSyncPeriod } = configuration;
  const errors: FieldError[] = [];
  const check = (wrong: boolean, field: string, value: number, detail: string) => {
    if (wrong) errors.push(fieldError.invalid(`${root}.${field}`, formatGoDuration(value), detail));
  };
  check(configSyncPeriod <= 0, 'ConfigSyncPeriod', configSyncPeriod, positive);
  check(sync <= 0, 'SyncPeriod', sync, positive);
  check(min < 0, 'MinSyncPeriod', min, notNegative);
  check(min > sync, 'SyncPeriod', min, `must be greater than or equal to ${root}.MinSyncPeriod`);
  return errors;
}

function addressErrors({
  bindAddress,
  healthzBindAddress,
  metricsBindAddress,
  portRange,
}: KubeProxyConfiguration): FieldError[] {
  const notIP = 'not a valid textual representation of an IP address';
  const portRangeOk = portRange === '' || /^\d+([-+]\d+)?$/.test(portRange);
  return [
    ...(isIP(bindAddress) ? [] : [fieldError.invalid(`${root}.BindAddress`, bindAddress, notIP)]),
    ...(healthzBindAddress === '' ? [] : hostPortErrors(healthzBindAddress, `${root}.HealthzBindAddress`)),
    // Upstream wants an address here although its flag promises that none closes the server; the promise is kept.
    ...(metricsBindAddress === '' ? [] : hostPortErrors(metricsBindAddress, `${root}.MetricsBindAddress`)),
    ...(portRangeOk
      ? []
      : [fieldError.invalid(`${root}.PortRange`, portRange, 'must be a valid port range (e.g. 300-2000)')]),
  ];
}

function hostPortErrors(text: string, field: string): FieldError[] {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (!match) return [fieldError.invalid(field, text, 'must be IP:port')];
  const host = match[1] ?? match[2] ?? '';
  const port = match[3] ?? '';
  const portOk = /^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65535;
  return [
    ...(isIP(host) ? [] : [fieldError.invalid(field, host, 'must be a valid IP')]),
    ...(portOk ? [] : [fieldError.invalid(field, port, 'must be a valid port')]),
  ];
}

function nodePortAddressErrors(addresses: readonly string[]): FieldError[] {
  const primary = addresses.indexOf('primary');
  const cidrs = primary < 0 ? addresses : addresses.slice(0, primary);
  const path = (index: number) => `${root}.NodePortAddresses[${index}]`;
  return [
    ...cidrs.flatMap((text, index) =>
      isCIDR(text) ? [] : [fieldError.invalid(path(index), text, 'must be a valid CIDR')],
    ),
    ...(primary >= 0 && addresses.length > 1
      ? [fieldError.invalid(path(primary), 'primary', "can't use both 'primary' and CIDRs")]
      : []),
  ];
}

function versionErrors(version: string): FieldError[] {
  if (version === '' || version === previousVersion) return [];
  const detail = `--show-hidden-metrics-for-version must be omitted or have the value '${previousVersion}'. Only the previous minor version is allowed`;
  return [fieldError.invalid(`${root}.ShowHiddenMetricsForVersion`, version, detail)];
}

function localModeErrors(configuration: KubeProxyConfiguration): FieldError[] {
  const mode = configuration.detectLocalMode || 'ClusterCIDR';
  const group = `${root}.DetectLocalConfiguration`;
  const named = (name: string, field: string) =>
    name === '' ? [fieldError.invalid(`${group}.${field}`, name, 'must not be empty')] : [];
  switch (mode) {
    case 'ClusterCIDR':
      return configuration.clusterCIDR === ''
        ? []
        : clusterCIDRErrors(configuration.clusterCIDR.split(','), `${group}.ClusterCIDRs`);
    case 'NodeCIDR':
      return [];
    case 'BridgeInterface':
      return named(configuration['detectLocal.bridgeInterface'], 'InterfaceName');
    case 'InterfaceNamePrefix':
      return named(configuration['detectLocal.interfaceNamePrefix'], 'InterfacePrefix');
    default:
      return [fieldError.notSupported(`${root}.DetectLocalMode`, mode, [...localModes, ''])];
  }
}

function clusterCIDRErrors(cidrs: readonly string[], field: string): FieldError[] {
  const pair = 'must be a either a single CIDR or dual-stack pair of CIDRs (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]';
  const single = 'must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)';
  if (cidrs.length > 2) return [fieldError.invalid(field, cidrs, pair)];
  const wrong = cidrs.flatMap((text, index) =>
    isCIDR(text) ? [] : [fieldError.invalid(`${field}[${index}]`, text, single)],
  );
  const [first = '', second] = cidrs;
  if (wrong.length === 0 && second !== undefined && familyOf(first) === familyOf(second)) {
    return [fieldError.invalid(field, cidrs, pair)];
  }
  return wrong;
}

function loggingErrors(configuration: KubeProxyConfiguration): FieldError[] {
  const format = configuration['logging.format'];
  if (format === 'text' || format === 'json') return [];
  return [fieldError.invalid(`${root}.logging.format`, format, 'Unsupported log format')];
}
