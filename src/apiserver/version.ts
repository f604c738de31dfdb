// /version: which Kubernetes this speaks, and which Portico it is.

import { table } from '../apimachinery/table.ts';

export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  /** Whose behaviour is emulated, and how far back a server may be taken. */
  readonly emulationMajor: string;
  readonly emulationMinor: string;
  readonly minCompatibilityMajor: string;
  readonly minCompatibilityMinor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

/** The release of Kubernetes whose behaviour this is. */
export const kubernetesVersion = '1.36.2';

const architectures = table<string>({ x64: 'amd64', ia32: '386' });

export function versionInfo(portico: string, runtime: { readonly arch: string; readonly node: string }): VersionInfo {
  const [major = '', minor = ''] = kubernetesVersion.split('.');
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${kubernetesVersion}+portico-${portico}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node-${runtime.node}`,
    compiler: 'v8',
    platform: `linux/${architectures[runtime.arch] ?? runtime.arch}`,
  };
}
