// Facts of the real API server (1.36): where mistakes are found and how values are printed, by its internal type.
import { describe, expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../types.generated.ts';
import { approvalCondition } from './approval.ts';
import { defaultDefinition } from './defaults.ts';
import { validateDefinition, validateDefinitionUpdate } from './validation.ts';
import { definitionWarnings } from './warnings.ts';

type Versions = CustomResourceDefinitionVersion[];

const plain: JSONSchemaProps = { type: 'object' };
const version = (name: string, schema: JSONSchemaProps = plain): CustomResourceDefinitionVersion => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: schema },
});

function definition(versions: Versions, change: (crd: CustomResourceDefinition) => void = () => {}) {
  const crd: CustomResourceDefinition = {
    metadata: { name: 'foos.a.example.com' },
    spec: { group: 'a.example.com', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo' }, versions },
    status: { storedVersions: ['v1'] },
  };
  defaultDefinition(crd);
  change(crd);
  return crd;
}

const messages = (crd: CustomResourceDefinition) => validateDefinition(crd).map(fieldErrorMessage);
const label =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const bad: JSONSchemaProps = { type: 'object', properties: { a: {} } };
const untyped = 'Required value: must not be empty for specified object fields';
const printed = (name: string, storage: boolean) =>
  `{"Name":"${name}","Served":true,"Storage":${storage},"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}`;

describe('mistakes are told of', () => {
  test.each<[string, Versions, string[]]>([
    ['one version: above it', [version('v1', bad)], [`spec.validation.openAPIV3Schema.properties[a].type: ${untyped}`]],
    [
      'versions alike: above them, once',
      [version('v1', bad), version('v2', bad)],
      [`spec.validation.openAPIV3Schema.properties[a].type: ${untyped}`],
    ],
    [
      'versions that differ: at each',
      [version('v1'), version('v2', bad)],
      [`spec.versions[1].schema.openAPIV3Schema.properties[a].type: ${untyped}`],
    ],
    [
      'what is alike for itself',
      [
        { ...version('v1'), selectableFields: [{ jsonPath: '.x' }] },
        { ...version('v2', { type: 'object', title: 't' }), selectableFields: [{ jsonPath: '.x' }] },
      ],
      ['spec.selectableFields: Invalid value: "": may only be set when validations.schema is included'],
    ],
    [
      'versions without their own schema',
      [{ ...version('v1'), selectableFields: [{ jsonPath: '.x' }] }, version('v2')],
      [
        'spec.versions[0].selectableFields: Invalid value: "": may only be set when `version.schema.openAPIV3Schema` is not included',
      ],
    ],
    [
      'names of versions: the first is named twice',
      [{ ...version('V1'), storage: true }],
      [
        `spec.versions[0].name: Invalid value: "V1": ${label}`,
        `spec.version: Invalid value: "V1": ${label}`,
        'status.storedVersions: Invalid value: ["v1"]: must have the storage version V1',
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions',
      ],
    ],
    [
      'versions as a whole: as the Go type prints them',
      [version('v1'), version('v1')],
      [
        `spec.versions: Invalid value: [${printed('v1', true)},${printed('v1', true)}]: must contain unique version names`,
        `spec.versions: Invalid value: [${printed('v1', true)},${printed('v1', true)}]: must have exactly one version marked as storage version`,
      ],
    ],
  ])('%s', (_, versions, expected) => expect(messages(definition(versions))).toEqual(expected));
});

describe('schemas', () => {
  const at = 'spec.validation.openAPIV3Schema';
  test.each<[JSONSchemaProps, string[]]>([
    [
      { type: 'object', properties: { a: { $ref: '', type: 'string' } } },
      [`${at}.properties[a].$ref: Forbidden: $ref is not supported`],
    ],
    [{ type: 'object', $schema: 'x' }, [`${at}: Invalid value: "": OpenAPIV3Schema 'schema' is not supported`]],
    [
      // What cannot be structural at all is not looked at as such.
      { type: 'object', properties: { a: {} }, definitions: { d: { type: 'q' } } },
      [
        `${at}.definitions: Forbidden: definitions is not supported`,
        `${at}.definitions[d].type: Unsupported value: "q": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [
      // Only what stands at the root has to be specified outside of combinations.
      { type: 'object', properties: { a: { type: 'object', allOf: [{ properties: { b: { minLength: 1 } } }] } } },
      [],
    ],
    [
      {
        type: 'object',
        properties: {
          a: { type: 'object', default: { b: 1 }, properties: { c: { type: 'string' } }, required: ['c'] },
        },
      },
      [
        `${at}.properties[a].default: Invalid value: {"b":1}: must not have unknown fields`,
        `${at}.properties[a].default.c: Required value`,
      ],
    ],
  ])('%j', (schema, expected) => expect(messages(definition([version('v1', schema)]))).toEqual(expected));
});

test('of a service of a webhook, upstream takes the name for the namespace', () => {
  const crd = definition([version('v1')], ({ spec }) => {
    const clientConfig = { service: { name: 'n', namespace: '', port: 0, path: '/a//b_' } };
    spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v2', 'v2'], clientConfig } };
  });
  const at = 'spec.conversion.webhookClientConfig.service';
  expect(messages(crd).slice(0, 3)).toEqual([
    `${at}.name: Required value`,
    `${at}.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`,
    `${at}.path: Invalid value: "/a//b_": segment[1] may not be empty`,
  ]);
});

test.each<[string, string]>([
  ['https://a b', 'Required value: url must be a valid URL: parse "https://a b": invalid character " " in host name'],
  ['https://x/%zz', 'Required value: url must be a valid URL: parse "https://x/%zz": invalid URL escape "%zz"'],
  [
    'https://x:port',
    'Required value: url must be a valid URL: parse "https://x:port": invalid port ":port" after host',
  ],
  [':', 'Required value: url must be a valid URL: parse ":": missing protocol scheme'],
  ['http://x', 'Invalid value: "http": \'https\' is the only allowed URL scheme'],
  ['https:///x', 'Invalid value: "": host must be specified'],
])('the URL %j of a webhook', (url, expected) => {
  const crd = definition([version('v1')], ({ spec }) => {
    spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url } } };
  });
  const form = '; desired format: https://host[/path]';
  expect(messages(crd)).toEqual([`spec.conversion.webhookClientConfig.url: ${expected}${form}`]);
});

test('an update may keep mistakes that were there, and no others', () => {
  const lists = (items: JSONSchemaProps): JSONSchemaProps => ({
    type: 'object',
    properties: { a: { type: 'array', 'x-kubernetes-list-type': 'set', items } },
  });
  const old = definition([version('v1', lists({ type: 'object' }))]);
  const at = 'spec.validation.openAPIV3Schema.properties[a].items';
  const update = (crd: CustomResourceDefinition) => validateDefinitionUpdate(crd, old).map(fieldErrorMessage);
  expect(messages(old)).toEqual([
    `${at}.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
  ]);
  expect(update(old)).toEqual([]);
  expect(update(definition([version('v1', lists({ type: 'object', nullable: true }))]))).toEqual([
    `${at}.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set`,
  ]);
});

test('formats that mean nothing for their type are warned of when they come', () => {
  const formats = (...all: string[]) =>
    definition([
      version('v1', {
        type: 'object',
        properties: Object.fromEntries(all.map((format) => [format, { type: 'integer', format }])),
      }),
    ]);
  expect(definitionWarnings(formats('int32', 'date', 'x'))).toEqual([
    'unrecognized format "date"',
    'unrecognized format "x"',
  ]);
  expect(definitionWarnings(formats('date', 'x'), formats('date'))).toEqual(['unrecognized format "x"']);
});

test.each<[string | undefined, string, string, string]>([
  ['https://example.com/x', 'True', 'ApprovedAnnotation', 'approved in https://example.com/x'],
  ['unapproved, for now', 'False', 'UnapprovedAnnotation', 'not approved: "unapproved, for now"'],
  ['host/path', 'False', 'InvalidAnnotation', expect.stringContaining('with either a URL or a reason') as string],
  [undefined, 'False', 'MissingAnnotation', expect.stringContaining('must have approval annotation') as string],
])('the approval %s of a group of Kubernetes’ own', (value, status, reason, message) => {
  const crd = definition([version('v1')], ({ metadata, spec }) => {
    spec.group = 'a.k8s.io';
    if (value !== undefined) metadata.annotations = { 'api-approved.kubernetes.io': value };
  });
  expect(approvalCondition(crd)).toEqual({ type: 'KubernetesAPIApprovalPolicyConformant', status, reason, message });
  expect(approvalCondition(definition([version('v1')]))).toBeUndefined();
});

test('what is no printable character is found at its byte, and pointers are printed as JSON', () => {
  const crd = definition([{ ...version('v1'), deprecated: true, deprecationWarning: 'é\u0007' }]);
  expect(messages(crd)).toEqual([
    'spec.versions[0].deprecationWarning: Invalid value: "é\\u0007": must only contain printable UTF-8 characters; non-printable character found at index 2',
  ]);
});
