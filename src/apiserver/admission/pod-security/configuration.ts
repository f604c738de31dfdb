// What the Pod Security plugin asks for where a namespace says nothing, and whom it lets pass: the plugin's part of the file of
// `--admission-control-config-file` (pod-security.admission.config.k8s.io PodSecurityConfiguration). Pure.
import { isLevel, isVersion, type Mode, modes, open, type Policy } from './policy.ts';

export interface Exemptions {
  readonly usernames: readonly string[];
  readonly namespaces: readonly string[];
  readonly runtimeClasses: readonly string[];
}

export interface PodSecurityConfiguration {
  readonly defaults: Policy;
  readonly exemptions: Exemptions;
}

export const usualConfiguration: PodSecurityConfiguration = {
  defaults: { enforce: open, audit: open, warn: open },
  exemptions: { usernames: [], namespaces: [], runtimeClasses: [] },
};

type Fields = Readonly<Record<string, unknown>>;
const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `pod-security.admission.config.k8s.io/${version}`);

/** Checks a parsed configuration. Throws an Error that names the field at fault. */
export function checkPodSecurityConfiguration(value: unknown): PodSecurityConfiguration {
  const { apiVersion, kind, defaults, exemptions } = fieldsOf(value, 'configuration', [
    ...['apiVersion', 'kind', 'defaults', 'exemptions'],
  ]);
  if (!versions.includes(String(apiVersion)) || kind !== 'PodSecurityConfiguration') {
    throw new Error(`expected apiVersion ${versions[0]} and kind PodSecurityConfiguration`);
  }
  const names = modes.flatMap((mode) => [mode, `${mode}-version`]);
  const given = fieldsOf(defaults ?? {}, 'defaults', names);
  const of = (mode: Mode) => {
    const { [mode]: level = open.level, [`${mode}-version`]: version = open.version } = given;
    if (typeof level !== 'string' || !isLevel(level)) {
      throw new Error(`defaults.${mode}: must be one of privileged, baseline, restricted`);
    }
    if (typeof version !== 'string' || !isVersion(version)) {
      throw new Error(`defaults.${mode}-version: must be "latest" or "v1.x"`);
    }
    return { level, version };
  };
  const lists = fieldsOf(exemptions ?? {}, 'exemptions', ['usernames', 'namespaces', 'runtimeClasses']);
  return {
    defaults: { enforce: of('enforce'), audit: of('audit'), warn: of('warn') },
    exemptions: {
      usernames: textsOf(lists.usernames, 'exemptions.usernames'),
      namespaces: textsOf(lists.namespaces, 'exemptions.namespaces'),
      runtimeClasses: textsOf(lists.runtimeClasses, 'exemptions.runtimeClasses'),
    },
  };
}

function fieldsOf(value: unknown, at: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${at}: must be an object`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${at}: unknown field ${JSON.stringify(unknown)}`);
  return value as Fields;
}

function textsOf(value: unknown = [], at: string): readonly string[] {
  if (!Array.isArray(value)) throw new Error(`${at}: must be a list`);
  const seen = new Set<string>();
  for (const [i, one] of value.entries()) {
    if (typeof one !== 'string' || one === '') throw new Error(`${at}[${i}]: must be a name`);
    if (seen.has(one)) throw new Error(`${at}[${i}]: Duplicate value: ${JSON.stringify(one)}`);
    seen.add(one);
  }
  return [...seen];
}
