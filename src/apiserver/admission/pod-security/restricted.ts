// The restricted level: what hardens a pod is asked for.
import type { Container, Volume } from '../../../api/core/v1/types.generated.ts';
import { containers, containersOf, isWindows, named, type PodCheck, quoted, setters, sorted } from './check.ts';

const allowedVolumes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const allowPrivilegeEscalation: PodCheck = {
  id: 'allowPrivilegeEscalation',
  since: 8,
  check(pod) {
    if (isWindows(pod)) return undefined;
    const names = named(pod, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
    if (names.length === 0) return undefined;
    const detail = `${containers(names)} must set securityContext.allowPrivilegeEscalation=false`;
    return { reason: 'allowPrivilegeEscalation != false', detail };
  },
};

const capabilities: PodCheck = {
  id: 'capabilities_restricted',
  since: 22,
  overrides: 'capabilities_baseline',
  check(pod) {
    if (isWindows(pod)) return undefined;
    const added = ({ securityContext }: Container): string[] =>
      (securityContext?.capabilities?.add ?? []).filter((one) => one !== 'NET_BIND_SERVICE');
    const keeping = named(pod, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
    const adding = named(pod, (container) => added(container).length > 0);
    const all = quoted(sorted(containersOf(pod).flatMap(added)));
    const details = [
      ...(keeping.length > 0 ? [`${containers(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
      ...(adding.length > 0
        ? [`${containers(adding)} must not include ${all} in securityContext.capabilities.add`]
        : []),
    ];
    return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
  },
};

function sourceOf(volume: Volume): string {
  return Object.keys(volume).find((field) => field !== 'name') ?? 'emptyDir';
}

const volumes: PodCheck = {
  id: 'restrictedVolumes',
  since: 0,
  overrides: 'hostPathVolumes',
  check({ spec }) {
    const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.has(sourceOf(volume)));
    if (bad.length === 0) return undefined;
    const one = bad.length === 1;
    const types = sorted(bad.map(sourceOf));
    const who = `${one ? 'volume' : 'volumes'} ${quoted(bad.map(({ name }) => name))} ${one ? 'uses' : 'use'}`;
    const what = `restricted volume ${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`;
    return { reason: 'restricted volume types', detail: `${who} ${what}` };
  },
};

const runAsNonRoot: PodCheck = {
  id: 'runAsNonRoot',
  since: 0,
  check(pod) {
    const ofPod = pod.spec.securityContext?.runAsNonRoot;
    const reason = 'runAsNonRoot != true';
    const refusing = named(pod, ({ securityContext }) => securityContext?.runAsNonRoot === false);
    const who = setters(ofPod === false, refusing);
    if (who !== '') return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
    if (ofPod === true) return undefined;
    const silent = named(pod, ({ securityContext }) => securityContext?.runAsNonRoot === undefined);
    if (silent.length === 0) return undefined;
    return { reason, detail: `pod or ${containers(silent)} must set securityContext.runAsNonRoot=true` };
  },
};

const runAsUser: PodCheck = {
  id: 'runAsUser',
  since: 23,
  check(pod) {
    const names = named(pod, ({ securityContext }) => securityContext?.runAsUser === 0);
    const who = setters(pod.spec.securityContext?.runAsUser === 0, names);
    return who === '' ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
  },
};

const seccompProfile: PodCheck = {
  id: 'seccompProfile_restricted',
  since: 19,
  overrides: 'seccompProfile_baseline',
  check(pod) {
    if (isWindows(pod)) return undefined;
    const reason = 'seccompProfile';
    const isGood = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost';
    const ofPod = pod.spec.securityContext?.seccompProfile?.type;
    const typeOf = ({ securityContext }: Container): string | undefined => securityContext?.seccompProfile?.type;
    const isBad = (type: string | undefined): type is string => type !== undefined && !isGood(type);
    const who = setters(
      isBad(ofPod),
      named(pod, (container) => isBad(typeOf(container))),
    );
    if (who !== '') {
      const bad = quoted(sorted([ofPod, ...containersOf(pod).map(typeOf)].filter(isBad)));
      return { reason, detail: `${who} must not set securityContext.seccompProfile.type to ${bad}` };
    }
    if (ofPod !== undefined) return undefined;
    const silent = named(pod, (container) => typeOf(container) === undefined);
    if (silent.length === 0) return undefined;
    const what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"';
    return { reason, detail: `pod or ${containers(silent)} ${what}` };
  },
};

/** In the order of their ids. */
export const restrictedChecks: readonly PodCheck[] = [
  allowPrivilegeEscalation,
  capabilities,
  volumes,
  runAsNonRoot,
  runAsUser,
  seccompProfile,
];
