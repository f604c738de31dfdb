import { expect, test } from 'vitest';
import type { ManagedFieldsEntry } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AdmissionRequest } from '../admission/admission.ts';
import { writeAdmission } from './admission.ts';
import type { ResourceRequest } from './resource-request.ts';

const entry: ManagedFieldsEntry = {
  manager: 'm',
  operation: 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': {} },
};

/** A request for a ConfigMap, with a plugin that sets managedFields. */
function requestWith(made: ManagedFieldsEntry[] | undefined, warnings: Set<string>): ResourceRequest {
  const admit = async ({ object }: AdmissionRequest) => {
    if (object) object.metadata = { ...object.metadata, managedFields: made };
  };
  return {
    parts: { admission: { admit } },
    definition: { group: '', version: 'v1', kind: 'ConfigMap', resource: 'configmaps' },
    info: { namespace: 'n', name: 'c', subresource: '' },
    request: { query: new URLSearchParams(), headers: {} },
    warnings,
  } as unknown as ResourceRequest;
}

test.each<[ManagedFieldsEntry[] | undefined, ManagedFieldsEntry[] | undefined, string | undefined]>([
  [[{ ...entry, manager: 'other' }], [{ ...entry, manager: 'other' }], undefined],
  [undefined, undefined, undefined],
  [[{ ...entry, apiVersion: '' }], [entry], 'apiVersion must not be empty'],
  [[entry, { ...entry, fieldsType: '' }], [entry], 'missing fieldsType in managed fields entry 1'],
  [[{ ...entry, fieldsType: 'V2' }], [entry], 'invalid fieldsType "V2" in managed fields entry 0'],
  [[{ ...entry, operation: 'Delete' }], [entry], 'operation must be `Apply` or `Update`'],
])('managedFields that plugins make %j', async (made, kept, why) => {
  const warnings = new Set<string>();
  const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', managedFields: [entry] } };
  await writeAdmission(requestWith(made, warnings), { dryRun: false }).admit(object);
  expect(object.metadata.managedFields).toEqual(kept);
  const text =
    '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ';
  expect([...warnings]).toEqual(why === undefined ? [] : [text + why]);
});
