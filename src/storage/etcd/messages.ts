// The messages of etcd's API (etcdserverpb and mvccpb of etcd 3.4) that storage uses, and of them the fields that it uses.
// Keys and values are bytes there; ours are UTF-8 text, or (values that may be sealed) text in which each character is one byte.
import { type Method, method } from '../../grpc/client.ts';
import { bool, int, latin1, message, repeated, string, sub } from '../../grpc/codec.ts';

/** `Compare.CompareTarget`: the revision of the last modification. */
export const targetMod = 2;
/** `Event.EventType`: 0 is a put. */
export const eventDelete = 1;

function methodsWith(value: typeof string) {
  const header = message({ clusterId: int(1), revision: int(3) });
  const keyValue = message({
    key: string(1),
    createRevision: int(2),
    modRevision: int(3),
    version: int(4),
    value: value(5),
  });

  const rangeRequest = message({
    key: string(1),
    rangeEnd: string(2),
    limit: int(3),
    revision: int(4),
    countOnly: bool(9),
  });
  const rangeResponse = message({
    header: sub(1, header),
    kvs: repeated(sub(2, keyValue)),
    more: bool(3),
    count: int(4),
  });

  const putRequest = message({ key: string(1), value: value(2) });
  const deleteRangeRequest = message({ key: string(1) });
  const requestOp = message({
    range: sub(1, rangeRequest),
    put: sub(2, putRequest),
    deleteRange: sub(3, deleteRangeRequest),
  });
  const responseOp = message({ range: sub(1, rangeResponse) });

  const compare = message({ result: int(1), target: int(2), key: string(3), modRevision: int(6) });
  const txnRequest = message({
    compare: repeated(sub(1, compare)),
    success: repeated(sub(2, requestOp)),
    failure: repeated(sub(3, requestOp)),
  });
  const txnResponse = message({ header: sub(1, header), succeeded: bool(2), responses: repeated(sub(3, responseOp)) });

  const watchCreateRequest = message({
    key: string(1),
    rangeEnd: string(2),
    startRevision: int(3),
    progressNotify: bool(4),
    fragment: bool(8),
  });
  const watchRequest = message({ create: sub(1, watchCreateRequest) });

  const event = message({ type: int(1), kv: sub(2, keyValue) });
  const watchResponse = message({
    header: sub(1, header),
    created: bool(3),
    canceled: bool(4),
    compactRevision: int(5),
    cancelReason: string(6),
    fragment: bool(7),
    events: repeated(sub(11, event)),
  });
  return {
    range: method('etcdserverpb.KV/Range', rangeRequest, rangeResponse),
    txn: method('etcdserverpb.KV/Txn', txnRequest, txnResponse),
    compact: method('etcdserverpb.KV/Compact', message({ revision: int(1) }), message({ header: sub(1, header) })),
    watch: method('etcdserverpb.Watch/Watch', watchRequest, watchResponse),
  };
}

export type EtcdMethods = ReturnType<typeof methodsWith>;
export const methods: EtcdMethods = methodsWith(string);

/** The same for values of which each character is one byte. */
export function byteMethods(): EtcdMethods {
  return methodsWith(latin1);
}

type OutputOfMethod<M> = M extends Method<never, infer Out> ? Out : never;
export type WatchResponse = OutputOfMethod<EtcdMethods['watch']>;
export type WatchEvent = WatchResponse['events'][number];
