// What becomes of a claim: devices that are allocated for it, who uses them, and what drivers tell of them.
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { validateInterfaceAddress } from '../../../apimachinery/validation/ip.ts';
import { dns1123Label } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateConditions } from '../../validation/conditions.ts';
import { validateNodeSelector } from '../../validation/selectors.ts';
import { immutable, oneOf, requiredText } from '../../validation/values.ts';
import { maxConfigs, requestNames, validateOpaque, validateRequestName, validateRequestNames } from './claim.ts';
import { validateList, validateSet } from './collections.ts';
import { validateBinding, validateDriverName, validateJsonObject, validatePoolName } from './names.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
} from './types.generated.ts';

const { forbidden, invalid, tooLong, tooMany } = fieldError;

const maxReservations = 256;
const maxResults = 32;
const maxDeviceConditions = 8;
const maxDataBytes = 10 * 1024;
const maxInterfaceName = 256;
const maxHardwareAddress = 128;
const maxAddresses = 16;

/** Nothing more is told of a device that was given back with this write. */
export function forgetReleasedDevices({ status }: ResourceClaim, old: ResourceClaim): void {
  if (!status?.devices) return;
  const kept = new Set((status.allocation?.devices?.results ?? []).map(deviceID));
  const released = new Set((old.status?.allocation?.devices?.results ?? []).map(deviceID));
  const devices = status.devices.filter((device) => {
    const id = deviceID(device);
    return kept.has(id) || !released.has(id);
  });
  if (devices.length > 0) status.devices = devices;
  else delete status.devices;
}

export function validateClaimStatus({ metadata, spec, status }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [], devices } = status ?? {};
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceID));
  const errors = [
    ...validateSet(reservedFor, 'status.reservedFor', {
      max: maxReservations,
      item: ({ resource, name, uid }, at) => [
        ...requiredText(`${at}.resource`, resource),
        ...requiredText(`${at}.name`, name),
        ...requiredText(`${at}.uid`, uid),
      ],
      key: ({ uid }) => uid,
    }),
    ...validateSet(devices, 'status.devices', {
      max: Number.POSITIVE_INFINITY,
      item: (device, at) => validateDeviceStatus(device, at, allocated),
      key: deviceID,
    }),
  ];
  if (reservedFor.length > 0 && !allocation) {
    errors.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'));
  } else if (metadata.deletionTimestamp) {
    const before = new Set((old.status?.reservedFor ?? []).map(({ uid }) => uid));
    const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
    if (reservedFor.some(({ uid }) => !before.has(uid))) errors.push(forbidden('status.reservedFor', why));
  }
  if (!allocation) return errors;
  // What is allocated is given back before anything else is.
  if (old.status?.allocation) {
    return [...errors, ...immutable('status.allocation', allocation, old.status.allocation)];
  }
  return [...errors, ...validateAllocation(allocation, requestNames(spec.devices?.requests))];
}

interface DeviceOfPool {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  /** Of a device that several claims have a part of. */
  readonly shareID?: string;
}

function deviceID({ driver, pool, device, shareID }: DeviceOfPool): string {
  return [driver, pool, device, ...(shareID ? [shareID] : [])].join('/');
}

function validateAllocation({ devices, nodeSelector }: AllocationResult, names: ReadonlySet<string>): FieldError[] {
  const at = 'status.allocation';
  return [
    ...validateList(devices?.results, `${at}.devices.results`, maxResults, (result, path) =>
      validateResult(result, path, names),
    ),
    // Those of classes and of the claim.
    ...validateList(devices?.config, `${at}.devices.config`, 2 * maxConfigs, ({ source, requests, opaque }, path) => [
      ...oneOf(`${path}.source`, source, ['FromClaim', 'FromClass']),
      ...validateRequestNames(requests, `${path}.requests`, names),
      ...validateOpaque(opaque, path),
    ]),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, `${at}.nodeSelector`) : []),
  ];
}

function validateResult(result: DeviceRequestAllocationResult, path: string, names: ReadonlySet<string>): FieldError[] {
  return [
    ...validateRequestName(result.request, `${path}.request`, names),
    ...validateDevice(result, path),
    ...validateBinding(result, path),
    ...validateShare(result, path),
  ];
}

function validateDevice({ driver, pool, device }: DeviceOfPool, path: string): FieldError[] {
  return [
    ...validateDriverName(`${path}.driver`, driver),
    ...validatePoolName(`${path}.pool`, pool),
    ...nameErrors(dns1123Label, `${path}.device`, device),
  ];
}

function validateShare({ shareID }: DeviceOfPool, path: string): FieldError[] {
  if (shareID === undefined || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(shareID)) return [];
  const why =
    'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters';
  return [invalid(`${path}.shareID`, shareID, why)];
}

function validateDeviceStatus(
  status: AllocatedDeviceStatus,
  path: string,
  allocated: ReadonlySet<string>,
): FieldError[] {
  const id = deviceID(status);
  const { data } = status;
  const conditions = status.conditions ?? [];
  return [
    ...validateDevice(status, path),
    ...validateShare(status, path),
    ...(allocated.has(id) ? [] : [invalid(path, id, 'must be an allocated device in the claim')]),
    ...(conditions.length > maxDeviceConditions
      ? [tooMany(`${path}.conditions`, conditions.length, maxDeviceConditions)]
      : []),
    ...validateConditions(conditions, `${path}.conditions`),
    ...(data === undefined ? [] : validateJsonObject(data, `${path}.data`, maxDataBytes)),
    ...validateNetwork(status.networkData, `${path}.networkData`),
  ];
}

function validateNetwork(data: NetworkDeviceData | undefined, path: string): FieldError[] {
  const { interfaceName = '', hardwareAddress = '', ips } = data ?? {};
  const limit = (field: string, text: string, max: number): FieldError[] =>
    Buffer.byteLength(text) > max ? [tooLong(`${path}.${field}`, max)] : [];
  return [
    ...limit('interfaceName', interfaceName, maxInterfaceName),
    ...limit('hardwareAddress', hardwareAddress, maxHardwareAddress),
    ...validateSet(ips, `${path}.ips`, {
      max: maxAddresses,
      item: (ip, at) => validateInterfaceAddress(at, ip),
      key: (ip) => ip,
    }),
  ];
}
