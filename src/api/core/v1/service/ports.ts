// The ports of a Service: what each may be, and that they differ.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import {
  dns1123Label,
  ianaServiceName,
  portNumberErrors,
  qualifiedName,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import type { Service, ServicePort } from '../types.generated.ts';

const { required, forbidden, duplicate, notSupported } = fieldError;
const protocols = ['SCTP', 'TCP', 'UDP'];

export function validatePorts({ spec }: Service): FieldError[] {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, `spec.ports[${i}]`, { names, several: ports.length > 1 }));
}

function validatePort(
  port: ServicePort,
  path: string,
  { names, several }: { readonly names: Set<string>; readonly several: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if (!port.name) {
    if (several) errors.push(required(`${path}.name`));
  } else {
    errors.push(...nameErrors(dns1123Label, `${path}.name`, port.name));
    if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
    names.add(port.name);
  }
  errors.push(...validatePortNumber(`${path}.port`, port.port));
  if (!port.protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${path}.protocol`, port.protocol, protocols));
  errors.push(...validatePortNumberOrName(`${path}.targetPort`, port.targetPort ?? 0));
  if (port.appProtocol !== undefined)
    errors.push(...nameErrors(qualifiedName, `${path}.appProtocol`, port.appProtocol));
  return errors;
}

function validatePortNumber(field: string, port: number | undefined): FieldError[] {
  return portNumberErrors(port ?? 0).map((message) => fieldError.invalid(field, port ?? 0, message));
}

/** A port's number, or the name of a container's port. */
export function validatePortNumberOrName(field: string, port: number | string): FieldError[] {
  return typeof port === 'number' ? validatePortNumber(field, port) : nameErrors(ianaServiceName, field, port);
}

/** No node port on a ClusterIP Service, and no (protocol, nodePort) or (protocol, port) twice. */
export function validatePortUniqueness({ spec }: Service): FieldError[] {
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  if (spec.type === 'ClusterIP') {
    for (const [i, { nodePort }] of ports.entries()) {
      if (nodePort) errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [i, { protocol, nodePort }] of ports.entries()) {
    if (!nodePort) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(`spec.ports[${i}].nodePort`, nodePort));
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const [i, { protocol = '', port }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (numbers.has(key)) errors.push(duplicate(`spec.ports[${i}]`, internalPort(protocol, port)));
    numbers.add(key);
  }
  return errors;
}

/** Upstream prints its internal type here, with the fields' Go names and zero values. */
function internalPort(protocol: string, port: number): unknown {
  return { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
}
