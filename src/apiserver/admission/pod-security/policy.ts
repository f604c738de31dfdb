// Which Pod Security Standard a namespace's labels ask for, and what it finds in a pod.
import { baselineChecks } from './baseline.ts';
import type { CheckedPod, PodCheck, Violation } from './check.ts';
import { restrictedChecks } from './restricted.ts';

const prefix = 'pod-security.kubernetes.io/';
/** From the most to the least that is allowed. */
const levels = ['privileged', 'baseline', 'restricted'] as const;
export const modes = ['enforce', 'audit', 'warn'] as const;

export type Level = (typeof levels)[number];
export type Mode = (typeof modes)[number];

export interface LevelVersion {
  readonly level: Level;
  /** `latest`, or `v1.30`. */
  readonly version: string;
}

export type Policy = Readonly<Record<Mode, LevelVersion>>;

export interface LabelError {
  readonly label: string;
  readonly value: string;
  readonly why: string;
}

type Labels = Readonly<Record<string, string>> | undefined;
export const open: LevelVersion = { level: 'privileged', version: 'latest' };

export function isLevel(text: string): text is Level {
  return (levels as readonly string[]).includes(text);
}

export function isVersion(text: string): boolean {
  return text === 'latest' || /^v1\.(0|[1-9]\d*)$/.test(text);
}

export function printLevel({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

/** What is wrong with a namespace's labels. */
export function labelErrors(labels: Labels): LabelError[] {
  return modes.flatMap((mode) => {
    const [level, version] = [labels?.[prefix + mode], labels?.[`${prefix}${mode}-version`]];
    const errors: LabelError[] = [];
    if (level !== undefined && !isLevel(level)) {
      errors.push({ label: prefix + mode, value: level, why: `must be one of ${levels.join(', ')}` });
    }
    if (version !== undefined && !isVersion(version)) {
      const why = 'must be "latest" or "v1.x"';
      errors.push({ label: `${prefix}${mode}-version`, value: version, why });
    }
    return errors;
  });
}

/**
 * What labels do not say is as the defaults have it. Labels that cannot be read ask for the most where pods are kept out, and
 * for nothing where they are only told of.
 */
export function policyOf(labels: Labels, defaults: Policy): Policy {
  const of = (mode: Mode, fallback: Level): LevelVersion => {
    const level = labels?.[prefix + mode];
    const version = labels?.[`${prefix}${mode}-version`] ?? defaults[mode].version;
    return {
      level: level === undefined ? defaults[mode].level : isLevel(level) ? level : fallback,
      version: isVersion(version) ? version : 'latest',
    };
  };
  const enforce = of('enforce', 'restricted');
  const warn = of('warn', 'privileged');
  // Who makes a Deployment hears of what will keep its pods out, unless the namespace says otherwise.
  const isSilent =
    labels?.[`${prefix}warn`] === undefined && levels.indexOf(enforce.level) > levels.indexOf(warn.level);
  return { enforce, audit: of('audit', 'privileged'), warn: isSilent ? enforce : warn };
}

function checksOf({ level, version }: LevelVersion): readonly PodCheck[] {
  if (level === 'privileged') return [];
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : Number(version.slice('v1.'.length));
  const has = ({ since }: PodCheck): boolean => since <= minor;
  const baseline = baselineChecks.filter(has);
  if (level === 'baseline') return baseline;
  const restricted = restrictedChecks.filter(has);
  const overridden = new Set(restricted.map(({ overrides }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted];
}

export function evaluate(policy: LevelVersion, pod: CheckedPod): Violation[] {
  return checksOf(policy).flatMap((one) => one.check(pod) ?? []);
}

/** `hostPort (container "c" uses hostPort 80), privileged (…)` */
export function printViolations(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}
