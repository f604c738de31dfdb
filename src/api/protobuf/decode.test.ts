import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeProtobuf, ProtobufError } from './decode.ts';

const message = (build: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter();
  build(writer);
  return writer.finish();
};
const bytes = (writer: BinaryWriter, number: number, value: Uint8Array) =>
  writer.tag(number, WireType.LengthDelimited).bytes(value);
const text = (writer: BinaryWriter, number: number, value: string) =>
  writer.tag(number, WireType.LengthDelimited).string(value);

function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const unknown = message((w) => {
    bytes(
      w,
      1,
      message((m) => {
        text(m, 1, apiVersion);
        text(m, 2, kind);
      }),
    );
    bytes(w, 2, raw);
  });
  return Buffer.concat([Buffer.from('k8s\0'), unknown]);
}

const metadata = (name: string) =>
  message((w) => {
    text(w, 1, name);
    bytes(w, 8, new Uint8Array(0)); // creationTimestamp: the zero time
    bytes(
      w,
      11,
      message((entry) => {
        text(entry, 1, 'app');
        text(entry, 2, 'web');
      }),
    );
  });

describe('decodeProtobuf', () => {
  test('a Service: texts, numbers, int-or-string, maps, and fields with zero values', () => {
    const port = message((w) => {
      text(w, 1, 'http');
      text(w, 2, 'TCP');
      w.tag(3, WireType.Varint).int32(80);
      bytes(
        w,
        4,
        message((t) => {
          t.tag(1, WireType.Varint).int64(1);
          t.tag(2, WireType.Varint).int32(0);
          text(t, 3, 'web');
        }),
      );
      w.tag(5, WireType.Varint).int32(0);
    });
    const service = message((w) => {
      bytes(w, 1, metadata('web'));
      bytes(
        w,
        2,
        message((spec) => bytes(spec, 1, port)),
      );
    });
    expect(decodeProtobuf(envelope('v1', 'Service', service))).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      value: {
        metadata: { name: 'web', creationTimestamp: null, labels: { app: 'web' } },
        spec: { ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'web', nodePort: 0 }] },
      },
    });
  });

  test('fields of an inlined message stand in its place; bytes are base64', () => {
    const volume = message((w) => {
      text(w, 1, 'data');
      bytes(
        w,
        2,
        message((source) => bytes(source, 2, new Uint8Array(0))),
      );
    });
    const pod = message((w) => {
      bytes(
        w,
        2,
        message((spec) => bytes(spec, 1, volume)),
      );
    });
    expect(decodeProtobuf(envelope('v1', 'Pod', pod)).value).toEqual({
      spec: { volumes: [{ name: 'data', emptyDir: {} }] },
    });
    const secret = message((w) => {
      bytes(
        w,
        2,
        message((entry) => {
          text(entry, 1, 'key');
          bytes(entry, 2, Buffer.from('value'));
        }),
      );
    });
    expect(decodeProtobuf(envelope('v1', 'Secret', secret)).value).toEqual({ data: { key: 'dmFsdWU=' } });
  });

  test('times keep seconds, micro times microseconds', () => {
    const time = (nanos: number) =>
      message((w) => {
        w.tag(1, WireType.Varint).int64(1767323045);
        w.tag(2, WireType.Varint).int32(nanos);
      });
    const lease = message((w) =>
      bytes(
        w,
        2,
        message((spec) => bytes(spec, 4, time(678_901_234))),
      ),
    );
    expect(decodeProtobuf(envelope('coordination.k8s.io/v1', 'Lease', lease)).value).toEqual({
      spec: { renewTime: '2026-01-02T03:04:05.678901Z' },
    });
  });

  test('a zero time in a map is null, as it is elsewhere', () => {
    const entry = message((w) => bytes(text(w, 1, 'web-1'), 2, new Uint8Array(0)));
    const budget = message((w) =>
      bytes(
        w,
        3,
        message((status) => bytes(status, 2, entry)),
      ),
    );
    expect(decodeProtobuf(envelope('policy/v1', 'PodDisruptionBudget', budget)).value).toEqual({
      status: { disruptedPods: { 'web-1': null } },
    });
  });

  test('options of a delete belong to every group', () => {
    const options = message((w) => text(w, 4, 'Orphan'));
    expect(decodeProtobuf(envelope('apps/v1', 'DeleteOptions', options)).value).toEqual({
      propagationPolicy: 'Orphan',
    });
  });

  test('a kind without a message is named, and not read', () => {
    expect(decodeProtobuf(envelope('example.com/v1', 'Thing', new Uint8Array(0)))).toEqual({
      apiVersion: 'example.com/v1',
      kind: 'Thing',
      value: undefined,
    });
  });

  test('JSON inside of a message is read as a body of JSON is: large numbers are kept, nothing is nested without end', () => {
    const revision = (json: string) =>
      envelope(
        'apps/v1',
        'ControllerRevision',
        message((w) =>
          bytes(
            w,
            2,
            message((data) => text(data, 1, json)),
          ),
        ),
      );
    expect(decodeProtobuf(revision('{"x":9007199254740993}')).value).toEqual({ data: { x: 9007199254740993n } });
    const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
    expect(() => decodeProtobuf(revision(deep))).toThrow(new ProtobufError('proto: exceeded max depth'));
  });

  test('what is no message is a ProtobufError, whatever the bytes', () => {
    expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('Pod', 'Service', 'Secret'), (noise, kind) => {
        try {
          decodeProtobuf(envelope('v1', kind, noise));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
    );
  });
});
