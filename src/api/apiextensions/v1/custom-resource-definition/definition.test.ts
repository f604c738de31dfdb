import { describe, expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../types.generated.ts';
import { defaultDefinition } from './defaults.ts';
import { decideNames } from './names.ts';
import { validateDefinition, validateDefinitionUpdate } from './validation.ts';

const v1: CustomResourceDefinitionVersion = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object' } },
};

function definition(change: (crd: CustomResourceDefinition) => void = () => {}): CustomResourceDefinition {
  const crd: CustomResourceDefinition = {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [structuredClone(v1)],
    },
    status: { storedVersions: ['v1'] },
  };
  defaultDefinition(crd);
  change(crd);
  return crd;
}

const messages = (crd: CustomResourceDefinition) => validateDefinition(crd).map(fieldErrorMessage);

test('singular, listKind, conversion and the port of its webhook have defaults', () => {
  const crd = definition();
  expect(crd.spec.names).toEqual({ plural: 'widgets', kind: 'Widget', singular: 'widget', listKind: 'WidgetList' });
  expect(crd.spec.conversion).toEqual({ strategy: 'None' });
  const service = { name: 's', namespace: 'n' };
  crd.spec.conversion = {
    strategy: 'Webhook',
    webhook: { conversionReviewVersions: ['v1'], clientConfig: { service } },
  };
  defaultDefinition(crd);
  expect(service).toMatchObject({ port: 443 });
});

describe('validation', () => {
  test('a plain definition is right', () => expect(messages(definition())).toEqual([]));

  test.each<[string, (crd: CustomResourceDefinition) => void, string[]]>([
    [
      'its name',
      ({ metadata }) => (metadata.name = 'x.example.com'),
      ['metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group'],
    ],
    [
      'a group without a dot',
      (crd) => {
        crd.spec.group = 'example';
        crd.metadata.name = 'widgets.example';
      },
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'its scope',
      ({ spec }) => (spec.scope = 'Planet'),
      ['spec.scope: Unsupported value: "Planet": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'no schema',
      ({ spec }) => delete spec.versions[0]!.schema,
      ['spec.versions[0].schema.openAPIV3Schema: Required value'],
    ],
    [
      'kind and listKind',
      ({ spec }) => (spec.names.listKind = 'Widget'),
      ['spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same'],
    ],
    [
      'a warning of what is not deprecated',
      ({ spec }) => (spec.versions[0]!.deprecationWarning = 'x'),
      ['spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions'],
    ],
    [
      'no stored version',
      ({ status }) => (status!.storedVersions = []),
      ['status.storedVersions: Invalid value: []: must have at least one stored version'],
    ],
    [
      'a stored version that is not there',
      ({ status }) => (status!.storedVersions = ['v1', 'v0']),
      [
        'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions',
      ],
    ],
    [
      'a group of Kubernetes',
      (crd) => {
        crd.spec.group = 'x.k8s.io';
        crd.metadata.name = 'widgets.x.k8s.io';
      },
      [
        'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ],
    ],
    [
      'preserveUnknownFields',
      ({ spec }) => (spec.preserveUnknownFields = true),
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
    [
      'a webhook without a client',
      ({ spec }) => (spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v7'] } }),
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      'a column',
      ({ spec }) => (spec.versions[0]!.additionalPrinterColumns = [{ name: '', type: 'colour', jsonPath: 'x' }]),
      [
        'spec.additionalPrinterColumns[0].name: Required value',
        'spec.additionalPrinterColumns[0].type: Invalid value: "colour": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .',
      ],
    ],
    [
      'scale',
      ({ spec }) =>
        (spec.versions[0]!.subresources = { scale: { specReplicasPath: '.status.x', statusReplicasPath: '' } }),
      [
        'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
        'spec.subresources.scale.statusReplicasPath: Required value',
      ],
    ],
  ])('%s', (_, change, expected) => {
    expect(messages(definition((crd) => void change(crd)))).toEqual(expected);
  });

  test('exactly one version is stored, each name once', () => {
    const crd = definition(({ spec }) => spec.versions.push(structuredClone(v1)));
    expect(messages(crd).map((text) => text.replace(/\[\{.*\}\]/, '…'))).toEqual([
      'spec.versions: Invalid value: …: must contain unique version names',
      'spec.versions: Invalid value: …: must have exactly one version marked as storage version',
    ]);
  });

  test('what may not change once it is established', () => {
    const old = definition(({ status }) => (status!.conditions = [{ type: 'Established', status: 'True' }]));
    const changed = definition(({ spec }) => {
      spec.scope = 'Cluster';
      spec.names.kind = 'Gadget';
    });
    expect(validateDefinitionUpdate(changed, old).map(fieldErrorMessage)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Gadget": field is immutable',
    ]);
  });
});

describe('schemas', () => {
  const at = 'spec.validation.openAPIV3Schema';
  const withSchema = (schema: JSONSchemaProps) =>
    messages(definition(({ spec }) => (spec.versions[0]!.schema = { openAPIV3Schema: schema })));
  const field = (schema: JSONSchemaProps): JSONSchemaProps => ({ type: 'object', properties: { f: schema } });

  test.each<[JSONSchemaProps, string[]]>([
    [{}, [`${at}.type: Required value: must not be empty at the root`]],
    [{ type: 'string' }, [`${at}.type: Invalid value: "string": must be object at the root`]],
    [field({}), [`${at}.properties[f].type: Required value: must not be empty for specified object fields`]],
    [field({ type: 'array' }), [`${at}.properties[f].items: Required value: must be specified`]],
    [
      field({ type: 'text' }),
      [
        `${at}.properties[f].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [
      field({ type: 'string', anyOf: [{ type: 'string' }] }),
      [`${at}.properties[f].anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [field({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []],
    [
      { type: 'object', anyOf: [{ properties: { f: { minimum: 1 } } }] },
      [`${at}.properties[f]: Required value: because it is defined in ${at}.anyOf[0].properties[f]`],
    ],
    [
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      [
        `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      {
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string', pattern: 'a' } } } },
      },
      [],
    ],
    [
      field({ type: 'string', default: 1 }),
      [`${at}.properties[f].default: Invalid value: "integer":  in body must be of type string: "integer"`],
    ],
    [
      field({ type: 'object', default: { x: 1 } }),
      [`${at}.properties[f].default: Invalid value: {"x":1}: must not have unknown fields`],
    ],
    [field({ type: 'string', $ref: '#/x' }), [`${at}.properties[f].$ref: Forbidden: $ref is not supported`]],
    [
      field({ type: 'array', uniqueItems: true, items: { type: 'string' } }),
      [
        `${at}.properties[f].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
    [
      field({ type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } }),
      [
        `${at}.properties[f].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      ],
    ],
    [
      field({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: { type: 'string' } } },
      }),
      [
        `${at}.properties[f].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      field({ type: 'string', 'x-kubernetes-validations': [{ rule: ' ' }] }),
      [`${at}.properties[f].x-kubernetes-validations[0].rule: Required value: rule is not specified`],
    ],
    [
      { ...field({ type: 'string' }), 'x-kubernetes-validations': [{ rule: 'true', fieldPath: '.g' }] },
      [`${at}.x-kubernetes-validations[0].fieldPath: Invalid value: ".g": fieldPath must be a valid path`],
    ],
    [
      { type: 'object', properties: { f: { type: 'string' } }, additionalProperties: { type: 'string' } },
      [
        `${at}.additionalProperties: Forbidden: must not be used at the root`,
        `${at}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
      ],
    ],
  ])('%j', (schema, expected) => {
    expect(withSchema(schema)).toEqual(expected);
  });
});

describe('names', () => {
  const accepted = (crd: CustomResourceDefinition) => ({ ...crd, status: { acceptedNames: crd.spec.names } });

  test('the first of a group has what it asks for', () => {
    const decided = decideNames(definition(), []);
    expect(decided?.acceptedNames).toEqual(definition().spec.names);
    expect(decided?.namesAccepted).toMatchObject({ status: 'True', reason: 'NoConflicts' });
    expect(decided?.established).toMatchObject({ status: 'False', reason: 'Installing' });
    expect(decideNames(accepted(definition()), [])).toBeUndefined();
  });

  test('names of others are refused, the rest is accepted', () => {
    const other = accepted(
      definition(
        ({ spec }) =>
          (spec.names = {
            plural: 'gadgets',
            singular: 'gadget',
            kind: 'Widget',
            listKind: 'GadgetList',
            shortNames: ['w'],
          }),
      ),
    );
    const decided = decideNames(
      definition(({ spec }) => (spec.names.shortNames = ['w'])),
      [other],
    );
    expect(decided?.acceptedNames).toEqual({ plural: 'widgets', singular: 'widget', kind: '', listKind: 'WidgetList' });
    expect(decided?.namesAccepted).toEqual({
      type: 'NamesAccepted',
      status: 'False',
      reason: 'KindConflict',
      message: '"Widget" is already in use',
    });
    expect(decided?.established).toMatchObject({ status: 'False', reason: 'NotAccepted' });
  });
});
