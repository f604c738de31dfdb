// How the kubelet asks a container how it is, and what it does at its start and end.
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { httpHeaderName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { nonNegative } from '../../../validation/values.ts';
import { validatePortNumberOrName } from '../service/ports.ts';
import type { Container, HTTPGetAction, LifecycleHandler, Probe, SleepAction } from '../types.generated.ts';
import type { PodScope } from './scope.ts';
import { stopSignals, windowsStopSignals } from './stop-signals.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const handlerTypes = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
const probeNumbers = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

/** The three probes, with what only some of them may say. */
export function validateProbes(container: Container, path: string): FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((name) => {
    const probe = container[name];
    if (!probe) return [];
    const at = `${path}.${name}`;
    const errors = validateProbe(probe, at);
    const grace = probe.terminationGracePeriodSeconds;
    if (name === 'readinessProbe') {
      if (grace === undefined) return errors;
      const why = 'must not be set for readinessProbes';
      return [...errors, invalid(`${at}.terminationGracePeriodSeconds`, grace, why)];
    }
    if (probe.successThreshold === 1) return errors;
    return [...errors, invalid(`${at}.successThreshold`, probe.successThreshold ?? 0, 'must be 1')];
  });
}

function validateProbe(probe: Probe, path: string): FieldError[] {
  const errors = validateHandler(probe, path, undefined);
  for (const name of probeNumbers) errors.push(...nonNegative(`${path}.${name}`, probe[name]));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  return errors;
}

/** A pause before the end may not be longer than the Pod's `gracePeriodSeconds`. */
export function validateLifecycle(
  { lifecycle }: Container,
  path: string,
  { gracePeriodSeconds, os }: Pick<PodScope, 'gracePeriodSeconds' | 'os'>,
): FieldError[] {
  const errors = (['postStart', 'preStop'] as const).flatMap((name) => {
    const handler = lifecycle?.[name];
    return handler ? validateHandler(handler, `${path}.lifecycle.${name}`, gracePeriodSeconds) : [];
  });
  if (lifecycle?.stopSignal === undefined) return errors;
  return [...errors, ...validateStopSignal(lifecycle.stopSignal, `${path}.lifecycle.stopSignal`, os)];
}

/** The same name is not the same signal everywhere, so that the Pod must say what system it is for. */
function validateStopSignal(signal: string, path: string, os: string | undefined): FieldError[] {
  if (!os) return [forbidden(path, 'may not be set for containers with empty `spec.os.name`')];
  const known = os === 'windows' ? windowsStopSignals : stopSignals;
  if (signal && known.includes(signal)) return [];
  return [notSupported(path, signal, known.filter(Boolean).sort())];
}

/** Exactly one of the ways in which a probe or a hook acts. */
function validateHandler(handler: Handler, path: string, gracePeriodSeconds: number | undefined): FieldError[] {
  const given = handlerTypes.filter((type) => handler[type]);
  const [first, ...more] = given;
  if (!first) return [required(path, 'must specify a handler type')];
  const errors = validateAction(handler, `${path}.${first}`, { type: first, gracePeriodSeconds });
  const why = 'may not specify more than 1 handler type';
  return [...errors, ...more.map((type) => forbidden(`${path}.${type}`, why))];
}

interface Action {
  readonly type: (typeof handlerTypes)[number];
  readonly gracePeriodSeconds: number | undefined;
}

function validateAction(handler: Handler, path: string, { type, gracePeriodSeconds }: Action): FieldError[] {
  switch (type) {
    case 'exec':
      return handler.exec?.command?.length ? [] : [required(`${path}.command`)];
    case 'httpGet':
      return validateHTTPGet(handler.httpGet!, path);
    case 'tcpSocket':
      return validatePortNumberOrName(`${path}.port`, handler.tcpSocket!.port);
    case 'grpc':
      return validatePortNumberOrName(`${path}.port`, handler.grpc!.port);
    case 'sleep':
      return validateSleep(handler.sleep!, path, gracePeriodSeconds);
  }
}

function validateHTTPGet({ path, port, scheme, httpHeaders = [] }: HTTPGetAction, at: string): FieldError[] {
  const schemes = ['HTTP', 'HTTPS'];
  return [
    ...(path ? [] : [required(`${at}.path`)]),
    ...validatePortNumberOrName(`${at}.port`, port),
    ...(schemes.includes(scheme ?? '') ? [] : [notSupported(`${at}.scheme`, scheme ?? '', schemes)]),
    ...httpHeaders.flatMap(({ name }) => nameErrors(httpHeaderName, `${at}.httpHeaders`, name)),
  ];
}

function validateSleep({ seconds }: SleepAction, path: string, gracePeriodSeconds: number | undefined): FieldError[] {
  if (gracePeriodSeconds === undefined || (seconds >= 0 && seconds <= gracePeriodSeconds)) return [];
  const why = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`;
  return [invalid(path, seconds, why)];
}
