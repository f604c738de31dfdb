// The baseline level: what lets a pod out of its sandbox is forbidden.
import type { Container, LifecycleHandler, Probe, SELinuxOptions } from '../../../api/core/v1/types.generated.ts';
import { containers, containersOf, named, type PodCheck, quoted, setters, sorted } from './check.ts';

const capabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const sysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);
const seLinuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

const appArmorProfile: PodCheck = {
  id: 'appArmorProfile',
  since: 0,
  check(pod) {
    const type = 'Unconfined';
    const byPod = pod.spec.securityContext?.appArmorProfile?.type === type;
    const names = named(pod, ({ securityContext }) => securityContext?.appArmorProfile?.type === type);
    const annotations = Object.entries(pod.metadata?.annotations ?? {}).filter(
      ([key, value]) => key.startsWith(appArmorAnnotation) && !/^(runtime\/default|localhost\/.*|)$/.test(value),
    );
    const who = setters(byPod, names);
    const details = [
      ...(who === '' ? [] : [`${who} must not set securityContext.appArmorProfile.type to "${type}"`]),
      ...(annotations.length === 0
        ? []
        : [
            `${annotations.length === 1 ? 'annotation' : 'annotations'} ${quoted(
              annotations.map(([key, value]) => `${key}=${value}`),
            )}`,
          ]),
    ];
    if (details.length === 0) return undefined;
    const values = (who === '' ? 0 : 1) + annotations.length;
    const reason = values === 1 ? 'forbidden AppArmor profile' : 'forbidden AppArmor profiles';
    return { reason, detail: details.join(' and ') };
  },
};

const capabilitiesBaseline: PodCheck = {
  id: 'capabilities_baseline',
  since: 0,
  check(pod) {
    const forbidden = ({ securityContext }: Container): string[] =>
      (securityContext?.capabilities?.add ?? []).filter((one) => !capabilities.has(one));
    const names = named(pod, (container) => forbidden(container).length > 0);
    if (names.length === 0) return undefined;
    const all = quoted(sorted(containersOf(pod).flatMap(forbidden)));
    const detail = `${containers(names)} must not include ${all} in securityContext.capabilities.add`;
    return { reason: 'non-default capabilities', detail };
  },
};

const hostNamespaces: PodCheck = {
  id: 'hostNamespaces',
  since: 0,
  check({ spec }) {
    const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
    if (shared.length === 0) return undefined;
    return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
  },
};

const hostPathVolumes: PodCheck = {
  id: 'hostPathVolumes',
  since: 0,
  check({ spec }) {
    const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
    if (names.length === 0) return undefined;
    return { reason: 'hostPath volumes', detail: `${names.length === 1 ? 'volume' : 'volumes'} ${quoted(names)}` };
  },
};

const hostPorts: PodCheck = {
  id: 'hostPorts',
  since: 0,
  check(pod) {
    const portsOf = ({ ports }: Container): number[] => (ports ?? []).flatMap(({ hostPort }) => hostPort || []);
    const names = named(pod, (container) => portsOf(container).length > 0);
    if (names.length === 0) return undefined;
    const ports = sorted(containersOf(pod).flatMap(portsOf).map(String));
    const verb = names.length === 1 ? 'uses' : 'use';
    const what = ports.length === 1 ? 'hostPort' : 'hostPorts';
    return { reason: 'hostPort', detail: `${containers(names)} ${verb} ${what} ${ports.join(', ')}` };
  },
};

function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] {
  const handlers: (Probe | LifecycleHandler | undefined)[] = [
    livenessProbe,
    readinessProbe,
    startupProbe,
    lifecycle?.postStart,
    lifecycle?.preStop,
  ];
  return handlers.flatMap((handler) => [handler?.httpGet?.host || [], handler?.tcpSocket?.host || []].flat());
}

const hostProbes: PodCheck = {
  id: 'hostProbesAndHostLifecycle',
  since: 34,
  check(pod) {
    const names = sorted(named(pod, (container) => hostsOf(container).length > 0));
    if (names.length === 0) return undefined;
    const hosts = sorted(containersOf(pod).flatMap(hostsOf));
    const verb = names.length === 1 ? 'uses' : 'use';
    const what = hosts.length === 1 ? 'probe or lifecycle host' : 'probe or lifecycle hosts';
    return { reason: 'probe or lifecycle host', detail: `${containers(names)} ${verb} ${what} ${quoted(hosts)}` };
  },
};

const privileged: PodCheck = {
  id: 'privileged',
  since: 0,
  check(pod) {
    const names = named(pod, ({ securityContext }) => securityContext?.privileged === true);
    if (names.length === 0) return undefined;
    return { reason: 'privileged', detail: `${containers(names)} must not set securityContext.privileged=true` };
  },
};

const procMount: PodCheck = {
  id: 'procMount',
  since: 0,
  check(pod) {
    const other = ({ securityContext }: Container): string | undefined =>
      securityContext?.procMount && securityContext.procMount !== 'Default' ? securityContext.procMount : undefined;
    const names = named(pod, (container) => other(container) !== undefined);
    if (names.length === 0) return undefined;
    const values = quoted(sorted(containersOf(pod).flatMap((container) => other(container) ?? [])));
    return { reason: 'procMount', detail: `${containers(names)} must not set securityContext.procMount to ${values}` };
  },
};

const seLinuxOptions: PodCheck = {
  id: 'seLinuxOptions',
  since: 0,
  check(pod) {
    const isBad = (options: SELinuxOptions | undefined): boolean =>
      options !== undefined &&
      (!seLinuxTypes.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
    const ofPod = pod.spec.securityContext?.seLinuxOptions;
    const names = named(pod, ({ securityContext }) => isBad(securityContext?.seLinuxOptions));
    const who = setters(isBad(ofPod), names);
    if (who === '') return undefined;
    const all = [ofPod, ...containersOf(pod).map(({ securityContext }) => securityContext?.seLinuxOptions)];
    const types = sorted(
      all.flatMap((options) => (seLinuxTypes.has(options?.type ?? '') ? [] : (options?.type ?? []))),
    );
    const bad = [
      ...(types.length > 0 ? [`${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`] : []),
      ...(all.some((options) => options?.user) ? ['user may not be set'] : []),
      ...(all.some((options) => options?.role) ? ['role may not be set'] : []),
    ];
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${bad.join('; ')}`;
    return { reason: 'seLinuxOptions', detail };
  },
};

const seccompProfile: PodCheck = {
  id: 'seccompProfile_baseline',
  since: 19,
  check(pod) {
    const isUnconfined = (profile: { readonly type: string } | undefined): boolean => profile?.type === 'Unconfined';
    const names = named(pod, ({ securityContext }) => isUnconfined(securityContext?.seccompProfile));
    const who = setters(isUnconfined(pod.spec.securityContext?.seccompProfile), names);
    if (who === '') return undefined;
    const detail = `${who} must not set securityContext.seccompProfile.type to "Unconfined"`;
    return { reason: 'seccompProfile', detail };
  },
};

const forbiddenSysctls: PodCheck = {
  id: 'sysctls',
  since: 0,
  check({ spec }) {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !sysctls.has(name));
    return bad.length > 0 ? { reason: 'forbidden sysctls', detail: bad.join(', ') } : undefined;
  },
};

const windowsHostProcess: PodCheck = {
  id: 'windowsHostProcess',
  since: 0,
  check(pod) {
    const names = named(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
    const who = setters(pod.spec.securityContext?.windowsOptions?.hostProcess === true, names);
    if (who === '') return undefined;
    return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
  },
};

/** In the order of their ids. */
export const baselineChecks: readonly PodCheck[] = [
  appArmorProfile,
  capabilitiesBaseline,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMount,
  seLinuxOptions,
  seccompProfile,
  forbiddenSysctls,
  windowsHostProcess,
];
