// Under which user, with which powers and profiles containers run.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { byteLength, nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { sysctlNameError, sysctlNamespace, validateId } from '../../../validation/ids.ts';
import { validateDescendingPath } from '../../../validation/paths.ts';
import { optionalOneOf } from '../../../validation/values.ts';
import type {
  AppArmorProfile,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../types.generated.ts';

import { internalForm } from './internal-form.ts';

const { required, invalid, duplicate, notSupported, tooLong } = fieldError;
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

/** Of the Pod. `podPath` is the spec's. */
export function validatePodSecurityContext(spec: PodSpec, podPath: string): FieldError[] {
  const context = spec.securityContext;
  if (!context) return validateSharedProcesses(spec, `${podPath}.securityContext`);
  const path = `${podPath}.securityContext`;
  return [
    ...validateId(`${path}.fsGroup`, context.fsGroup),
    ...validateId(`${path}.runAsUser`, context.runAsUser),
    ...validateId(`${path}.runAsGroup`, context.runAsGroup),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => validateId(`${path}.supplementalGroups[${i}]`, id)),
    ...validateSharedProcesses(spec, path),
    ...validateSysctls(spec, `${path}.sysctls`),
    ...optionalOneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`),
    ...optionalOneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...optionalOneOf(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
  ];
}

function validateSharedProcesses({ shareProcessNamespace, hostPID }: PodSpec, path: string): FieldError[] {
  if (!shareProcessNamespace || !hostPID) return [];
  const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
  return [invalid(`${path}.shareProcessNamespace`, true, why)];
}

function validateSysctls({ securityContext, hostNetwork, hostIPC }: PodSpec, path: string): FieldError[] {
  const seen = new Set<string>();
  return (securityContext?.sysctls ?? []).flatMap(({ name }, i) => {
    const at = `${path}[${i}].name`;
    const errors: FieldError[] = [];
    const wrong = sysctlNameError(name);
    if (!name) errors.push(required(at));
    else if (wrong) errors.push(invalid(at, name, wrong));
    else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    const namespace = sysctlNamespace(name);
    if (hostNetwork && namespace === 'net') {
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    } else if (hostIPC && namespace === 'ipc') {
      errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"));
    }
    return errors;
  });
}

/** Of a container. `hostUsers`: the Pod's users are those of the node. */
export function validateSecurityContext(
  context: SecurityContext | undefined,
  path: string,
  { hostUsers }: { readonly hostUsers: boolean },
): FieldError[] {
  if (!context) return [];
  const errors = [
    ...validateId(`${path}.runAsUser`, context.runAsUser),
    ...validateId(`${path}.runAsGroup`, context.runAsGroup),
    ...optionalOneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']),
  ];
  if (hostUsers && context.procMount === 'Unmasked') {
    const why = '`hostUsers` must be false to use `Unmasked`';
    errors.push(invalid(`${path}.procMount`, context.procMount, why));
  }
  return [
    ...errors,
    ...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`),
    ...validateEscalation(context, path),
    ...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`),
  ];
}

/** Who has every power anyway cannot be kept from gaining more. */
function validateEscalation(context: SecurityContext, path: string): FieldError[] {
  if (context.allowPrivilegeEscalation !== false) return [];
  const errors: FieldError[] = [];
  const refuse = (what: string): number =>
    errors.push(
      invalid(
        path,
        internalForm('SecurityContext', context),
        `cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
      ),
    );
  if (context.privileged) refuse('`privileged` to true');
  for (const capability of context.capabilities?.add ?? []) {
    if (capability === 'CAP_SYS_ADMIN') refuse('`capabilities.Add` CAP_SYS_ADMIN');
  }
  return errors;
}

function validateSeccompProfile(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const errors: FieldError[] = [];
  if (!type) errors.push(required(`${path}.type`, 'type is required when seccompProfile is set'));
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes));
  const at = `${path}.localhostProfile`;
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      return [...errors, required(at, 'must be set when seccomp type is Localhost')];
    }
    return [...errors, ...validateDescendingPath(at, localhostProfile)];
  }
  if (localhostProfile === undefined) return errors;
  return [
    ...errors,
    invalid(at, internalForm('SeccompProfile', profile), 'can only be set when seccomp type is Localhost'),
  ];
}

const maxAppArmorProfile = 4095;

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (!profileTypes.includes(type)) return [notSupported(`${path}.type`, type, profileTypes)];
  if (type !== 'Localhost') {
    if (localhostProfile === undefined) return [];
    return [invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  }
  const missing = required(at, 'must be set when AppArmor type is Localhost');
  if (localhostProfile === undefined) return [missing];
  const errors: FieldError[] = [];
  if (localhostProfile.trim() !== localhostProfile) {
    errors.push(invalid(at, localhostProfile, 'must not be padded with whitespace'));
  } else if (localhostProfile === '') errors.push(missing);
  if (byteLength(localhostProfile) > maxAppArmorProfile) errors.push(tooLong(at, maxAppArmorProfile));
  return errors;
}

const maxCredentialSpecKiB = 64;

function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string): FieldError[] {
  if (!options) return [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  const errors: FieldError[] = [];
  if (gmsaCredentialSpecName !== undefined) {
    errors.push(...nameErrors(dns1123Subdomain, `${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName));
  }
  const spec = `${path}.gmsaCredentialSpec`;
  if (gmsaCredentialSpec === '') {
    errors.push(invalid(spec, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'));
  } else if (byteLength(gmsaCredentialSpec ?? '') > maxCredentialSpecKiB * 1024) {
    const why = `gmsaCredentialSpec size must be under ${maxCredentialSpecKiB} KiB`;
    errors.push(invalid(spec, gmsaCredentialSpec, why));
  }
  if (runAsUserName === undefined) return errors;
  const wrong = windowsUserErrors(runAsUserName);
  return [...errors, ...wrong.map((why) => invalid(`${path}.runAsUserName`, runAsUserName, why))];
}

const netBios = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const windowsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);

/** `user` or `DOMAIN\user`, as Active Directory names them. */
function windowsUserErrors(text: string): string[] {
  if (text === '') return ['runAsUserName cannot be an empty string'];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return ['runAsUserName cannot contain control characters'];
  const parts = text.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1) ?? '';
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const errors: string[] = [];
  if (domain !== undefined) {
    if (domain.length >= 256) errors.push("runAsUserName's Domain length must be under 256 characters");
    if (!netBios.test(domain) && !windowsDomain.test(domain)) {
      errors.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    }
  }
  if (user === '') errors.push("runAsUserName's User cannot be empty");
  else if (user.length > 104) errors.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    errors.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return errors;
}
