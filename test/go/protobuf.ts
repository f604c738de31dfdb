// Holds our protocol buffers, and our reading of JSON, against k8s.io/api: its round-trip data has every field of every kind, as
// JSON and as bytes, of this release and of older ones. `run` gives the folders; kinds that are not served are counted, and
// passed over.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { decodeProtobuf } from '../../src/api/protobuf/decode.ts';
import { encodeObject, type Typed } from '../../src/api/protobuf/envelope.ts';
import { builtinSchemas } from '../../src/api/schema.ts';
import { parseApiVersion } from '../../src/apimachinery/object.ts';
import { decodeObject } from '../../src/apimachinery/schema/decode.ts';

const schemas = builtinSchemas();
const counts = { same: 0, unknown: 0, differ: 0 };

function read(file: string): { object: Typed; bytes: Uint8Array } {
  return { object: JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Typed, bytes: readFileSync(`${file}.pb`) };
}

/** What is not as it should be of one kind; undefined where it is not served. */
function compare(file: string): string[] | undefined {
  const sent = read(file);
  const { apiVersion: served = '' } = sent.object as Partial<Typed>;
  const { group, version } = parseApiVersion(served);
  const schema = schemas.schemaOf({ group, version, kind: sent.object.kind });
  const encoded = encodeObject(sent.object);
  if (!encoded) return undefined;
  // Data of older releases may have fields that are gone since, and then says what is left of it.
  const kept = existsSync(`${file}.after_roundtrip.json`) ? read(`${file}.after_roundtrip`) : sent;
  const { apiVersion, kind, value } = decodeProtobuf(sent.bytes);
  const isSame = {
    'decoded protobuf': isDeepStrictEqual({ apiVersion, kind, ...value }, kept.object),
    'encoded protobuf': Buffer.from(kept.bytes).equals(encoded),
    'decoded JSON': !schema || isDeepStrictEqual(decodeObject(sent.object, schema).object, kept.object),
  };
  return Object.entries(isSame).flatMap(([what, is]) => (is ? [] : [what]));
}

for (const folder of process.argv.slice(2)) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.includes('.after_roundtrip.'));
  for (const name of names) {
    const wrong = compare(join(folder, name.replace(/\.json$/, '')));
    if (!wrong) counts.unknown += 1;
    else counts[wrong.length === 0 ? 'same' : 'differ'] += 1;
    if (wrong && wrong.length > 0) process.stdout.write(`FAILED ${join(folder, name)}: ${wrong.join(', ')}\n`);
  }
}
process.stdout.write(
  `${counts.same} objects are the same in protocol buffers and JSON, ${counts.unknown} are of kinds that are not served\n`,
);
process.exitCode = counts.differ > 0 || counts.same === 0 ? 1 : 0;
