import { describe, expect, test } from 'vitest';
import { negotiate, negotiateStatus } from './negotiation.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const table = 'as=Table;v=v1;g=meta.k8s.io';
const watch = { isWatch: true, isCollection: true, isCustom: false, hasTable: true };
const custom = { isWatch: false, isCollection: false, isCustom: true, hasTable: true };
const review = { isWatch: false, isCollection: false, isCustom: false, hasTable: false };

describe('negotiate', () => {
  test.each([
    [undefined, 'json object'],
    ['*/*', 'json object'],
    ['application/yaml', 'yaml object'],
    [protobuf, 'protobuf object'],
    [`${protobuf}, application/json`, 'protobuf object'],
    [`application/json;q=0.5, ${protobuf}`, 'protobuf object'],
    ['*/*, application/yaml', 'yaml object'],
    [`application/json;${table}`, 'json Table'],
    // A Table has no message: the next range is taken.
    [`${protobuf};${table}, application/json;${table}, application/json`, 'json Table'],
    [`${protobuf};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`, 'protobuf PartialObjectMetadataList'],
    [`application/json;as=Table;v=v9;g=meta.k8s.io, application/json`, 'json object'],
    ['application/json;stream=foo, application/yaml', 'yaml object'],
    ['application/json;sv=1, application/yaml', 'yaml object'],
    ['application/json;sv=v1, application/yaml', 'json object'],
    ['application/json;g=meta.k8s.io, application/yaml', 'yaml object'],
    ['application/json;profile=x;foo=bar', 'json object'],
  ])('%s: %s', (accept, expected) => {
    const { encoding, as } = negotiate(accept);
    expect(`${encoding} ${as}`).toBe(expected);
  });

  test('the version of meta.k8s.io is the one asked for', () => {
    expect(negotiate('application/json;as=Table;v=v1beta1;g=meta.k8s.io').version).toBe('v1beta1');
  });

  test('custom resources have protocol buffers of their metadata only', () => {
    expect(negotiate(`${protobuf}, application/json`, custom).encoding).toBe('json');
    const partial = `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`;
    expect(negotiate(partial, custom)).toMatchObject({ encoding: 'protobuf', as: 'PartialObjectMetadata' });
    expect(() => negotiate(protobuf, custom)).toThrow(
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
    expect(negotiate('*', custom).encoding).toBe('json');
    expect(negotiate('application/*', custom).encoding).toBe('json');
  });

  test('a watch is no YAML', () => {
    expect(negotiate(`${protobuf};stream=watch`, watch).encoding).toBe('protobuf');
    // Also where something else would do: what is preferred is YAML.
    expect(() => negotiate('application/yaml, application/json', watch)).toThrow(
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    );
  });

  test('what is asked once has no Table', () => {
    const asked = `application/json;${table}`;
    expect(() => negotiate(asked, review)).toThrow('only the following media types are accepted: application/json');
    expect(negotiate(`${asked}, application/json`, review).as).toBe('object');
  });

  test('a media type that there is not is refused with those that there are', () => {
    expect(() => negotiate('application/cbor')).toThrow('406: Not Acceptable\n\nAvailable representations: ');
    for (const accept of ['text/html', '*', 'application/*', 'application/JSON']) {
      expect(() => negotiate(accept)).toThrow(
        /^406: Not Acceptable\n\nAvailable representations: application\/json, application\/yaml, application\/vnd.kubernetes.protobuf$/,
      );
    }
    expect(() => negotiate('text/html', watch)).toThrow('application/json;stream=watch');
  });
});

test('a Status is never a Table, and JSON where nothing fits', () => {
  expect(negotiateStatus(`application/json;${table},application/yaml`)).toMatchObject({ encoding: 'yaml' });
  expect(negotiateStatus(protobuf)?.encoding).toBe('protobuf');
  for (const none of ['text/html', `application/json;${table}`, 'application/json;sv=v1']) {
    expect(negotiateStatus(none), none).toBeUndefined();
  }
});
