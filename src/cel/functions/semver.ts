// Semantic versions, with what is wrong with them in the words of Go's semver library.
import { CelError } from '../errors.ts';
import { global, member, type Overload } from '../overload.ts';
import { Opaque } from '../values.ts';

interface Version {
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
}

function numberOf(text: string, name: string): bigint {
  if (text === '') throw new CelError('strconv.ParseUint: parsing "": invalid syntax');
  if (!/^\d+$/.test(text)) throw new CelError(`Invalid character(s) found in ${name} number ${JSON.stringify(text)}`);
  if (/^0./.test(text)) {
    const capital = name[0]!.toUpperCase() + name.slice(1);
    throw new CelError(`${capital} number must not contain leading zeroes ${JSON.stringify(text)}`);
  }
  return unsigned(text);
}

function unsigned(text: string): bigint {
  const value = BigInt(text);
  if (value < 1n << 64n) return value;
  throw new CelError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
}

function parseVersion(text: string): Version {
  if (text === '') throw new CelError('Version string empty');
  const [major, minor, ...others] = text.split('.');
  if (minor === undefined || others.length === 0) throw new CelError('No Major.Minor.Patch elements found');
  const first = [numberOf(major!, 'major'), numberOf(minor, 'minor')];
  const [, patch = '', pre, build] = /^([^+-]*)(?:-([^+]*))?(?:\+([\s\S]*))?$/.exec(others.join('.')) ?? [];
  const numbers = [...first, numberOf(patch, 'patch')];
  const prerelease = pre?.split('.') ?? [];
  for (const part of prerelease) checkPrerelease(part);
  for (const part of build?.split('.') ?? []) {
    if (part === '') throw new CelError('Build meta data is empty');
    if (!/^[0-9A-Za-z-]+$/.test(part)) {
      throw new CelError(`Invalid character(s) found in build meta data ${JSON.stringify(part)}`);
    }
  }
  return { numbers, prerelease };
}

function checkPrerelease(part: string): void {
  const quoted = JSON.stringify(part);
  if (part === '') throw new CelError('Prerelease is empty');
  if (/^0\d+$/.test(part)) {
    throw new CelError(`Numeric PreRelease version must not contain leading zeroes ${quoted}`);
  }
  if (/^\d+$/.test(part)) unsigned(part);
  if (!/^[0-9A-Za-z-]+$/.test(part)) throw new CelError(`Invalid character(s) found in prerelease ${quoted}`);
}

/** Without `v`, with minor and patch, without leading zeros. */
function normalized(text: string): string {
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.');
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length > 0 ? [rest.join('.')] : [])];
  const trimmed = parts.map((part) => {
    if (Buffer.byteLength(part) < 2) return part;
    const bare = part.replace(/^0+/, '');
    return /^\d/.test(bare) ? bare : `0${bare}`;
  });
  if (trimmed.length < 3 && /[+-]/.test(trimmed.at(-1)!)) {
    throw new CelError('short version cannot contain PreRelease/Build meta data');
  }
  while (trimmed.length < 3) trimmed.push('0');
  return trimmed.join('.');
}

function toVersion(text: string, normalize = false): Opaque<Version> {
  const version = parseVersion(normalize ? normalized(text) : text);
  return new Opaque('kubernetes.Semver', version, (a, b) => compareVersions(a, b) === 0);
}

function isVersion(text: string, normalize = false): boolean {
  try {
    toVersion(text, normalize);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function compareVersions(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries()) {
    if (number !== b.numbers[i]) return number < b.numbers[i]! ? -1 : 1;
  }
  // A version is after its own pre-releases.
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  for (let i = 0; i < Math.max(a.prerelease.length, b.prerelease.length); i++) {
    const order = comparePart(a.prerelease[i], b.prerelease[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const areNumbers = [a, b].map((part) => /^\d+$/.test(part));
  if (areNumbers[0] && areNumbers[1]) return Math.sign(Number(BigInt(a) - BigInt(b)));
  if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function semverFunctions(): Overload[] {
  type V = Opaque<Version>;
  const part = (name: string, index: number) =>
    member(`Semver.${name}(): int`, ({ content }: V) => BigInt.asIntN(64, content.numbers[index]!));
  return [
    global('semver(string): Semver', (text: string) => toVersion(text)),
    global('semver(string, bool): Semver', toVersion),
    global('isSemver(string): bool', (text: string) => isVersion(text)),
    global('isSemver(string, bool): bool', isVersion),
    part('major', 0),
    part('minor', 1),
    part('patch', 2),
    member('Semver.isGreaterThan(Semver): bool', (a: V, b: V) => compareVersions(a.content, b.content) > 0),
    member('Semver.isLessThan(Semver): bool', (a: V, b: V) => compareVersions(a.content, b.content) < 0),
    member('Semver.compareTo(Semver): int', (a: V, b: V) => BigInt(compareVersions(a.content, b.content))),
  ];
}
