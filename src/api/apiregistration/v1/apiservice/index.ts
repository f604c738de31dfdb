// APIService: which server answers for a group and version. Rules and messages are upstream's
// (kube-aggregator pkg/apis/apiregistration/validation).
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import {
  dns1035Label,
  dns1123Subdomain,
  pathSegment,
  portNumberErrors,
} from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { APIService, APIServiceCondition } from '../types.generated.ts';

const { invalid, required, notSupported } = fieldError;

/** The condition of every APIService that this server itself answers for. */
function localCondition(lastTransitionTime: string | undefined): APIServiceCondition {
  return {
    type: 'Available',
    status: 'True',
    ...(lastTransitionTime && { lastTransitionTime }),
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
}

function validate({ metadata, spec }: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum, versionPriority } = spec;
  const errors: FieldError[] = [];
  const requiredName = `${version}.${group}`;
  if (metadata.name !== requiredName) {
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(requiredName)}`;
    errors.push(invalid('metadata.name', metadata.name, why));
  }
  if (group === '' && version !== 'v1') {
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  }
  if (group !== '') errors.push(...nameErrors(dns1123Subdomain, 'spec.group', group));
  errors.push(...nameErrors(dns1035Label, 'spec.version', version));
  if (!(groupPriorityMinimum > 0 && groupPriorityMinimum <= 20_000)) {
    errors.push(
      invalid('spec.groupPriorityMinimum', groupPriorityMinimum ?? 0, 'must be positive and less than 20000'),
    );
  }
  if (!(versionPriority > 0 && versionPriority <= 1000)) {
    errors.push(invalid('spec.versionPriority', versionPriority ?? 0, 'must be positive and less than 1000'));
  }
  return [...errors, ...(spec.service ? validateRemote(spec) : validateLocal(spec))];
}

function validateLocal({ caBundle, insecureSkipTLSVerify }: APIService['spec']): FieldError[] {
  const errors: FieldError[] = [];
  if (caBundle) {
    const size = `${Math.floor((caBundle.replace(/=+$/, '').length * 3) / 4)} bytes`;
    errors.push(invalid('spec.caBundle', size, 'local APIServices may not have a caBundle'));
  }
  if (insecureSkipTLSVerify) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
  }
  return errors;
}

function validateRemote({ service, caBundle, insecureSkipTLSVerify }: APIService['spec']): FieldError[] {
  const errors: FieldError[] = [];
  if (!service?.namespace) errors.push(required('spec.service.namespace'));
  if (!service?.name) errors.push(required('spec.service.name'));
  const wrongPort = portNumberErrors(service?.port ?? 0);
  if (wrongPort.length > 0) {
    errors.push(invalid('spec.service.port', service?.port ?? 0, `port is not valid: ${wrongPort.join(', ')}`));
  }
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  }
  return errors;
}

const statuses = ['True', 'False', 'Unknown'];

function validateStatus({ status }: APIService): FieldError[] {
  return (status?.conditions ?? []).flatMap((condition, i) =>
    statuses.includes(condition.status)
      ? []
      : [notSupported(`status.conditions[${i}].status`, condition.status, statuses)],
  );
}

export function availableCondition({ status }: Pick<APIService, 'status'>): APIServiceCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Available');
}

function availability(service: APIService): string {
  const condition = availableCondition(service);
  if (!condition) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

export const apiService: Kind<APIService> = {
  nameRule: pathSegment,
  allowUnconditionalUpdate: false,
  statusKeeps: 'metadata',
  strategy: {
    default({ spec }) {
      if (spec?.service) spec.service.port ??= 443;
    },
    prepareForCreate(object) {
      object.status = object.spec.service ? {} : { conditions: [localCondition(object.metadata.creationTimestamp)] };
    },
    validate,
    validateUpdate: validate,
    validateStatusUpdate: validateStatus,
  },
  columns: [
    nameColumn,
    column('Service', 'The reference to the service that hosts this API endpoint.'),
    column('Available', 'Whether this service is available.'),
    ageColumn,
  ],
  cells: (object, now) => {
    const { service } = object.spec;
    const where = service ? `${service.namespace}/${service.name}` : 'Local';
    return [object.metadata.name, where, availability(object), ageCell(object, now)];
  },
};
