// Records as zone-file lines (RFC 1035, 5.1), as dig prints them.
import type { RecordData, ResourceRecord } from '../wire/message.ts';

export function zoneText({ name, ttl, data }: ResourceRecord): string {
  const type = data.type === 'opaque' ? `TYPE${data.code}` : data.type;
  return `${name} ${ttl} IN ${type} ${dataText(data)}`;
}

function dataText(data: RecordData): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return data.target;
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'TXT':
      return data.texts.map((text) => JSON.stringify(text)).join(' ');
    case 'SOA': {
      const { primary, mailbox, serial, refresh, retry, expire, minimum } = data;
      return [primary, mailbox, serial, refresh, retry, expire, minimum].join(' ');
    }
    case 'opaque':
      // RFC 3597, 5: data of a type without a text of its own.
      return `\\# ${data.bytes.length} ${Buffer.from(data.bytes).toString('hex')}`;
  }
}
