// The bare limit: a Node.js HTTPS server that answers GET with one body, keeps POSTs in SQLite (one insert each, those that
// come together in one commit), and sends one JSON encoding to all who watch. Prints its port.
import { mkdtempSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { selfSigned } from '../../src/client/fake/self-signed.ts';

const [, , body = '{}'] = process.argv;
const database = new DatabaseSync(join(mkdtempSync(join(tmpdir(), 'portico-bench-')), 'bare.db'));
database.exec(
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE writes (id INTEGER PRIMARY KEY, value TEXT)',
);
const insert = database.prepare('INSERT INTO writes (value) VALUES (?)');

const queue: { readonly value: string; readonly response: ServerResponse }[] = [];
const watchers = new Set<ServerResponse>();
const headers = { 'content-type': 'application/json' };

function commit(): void {
  const batch = queue.splice(0);
  database.exec('BEGIN');
  for (const { value } of batch) insert.run(value);
  database.exec('COMMIT');
  for (const { value, response } of batch) response.writeHead(201, headers).end(value);
}

const server = createServer(await selfSigned('127.0.0.1'), (request, response) => {
  if (request.url === '/watch') {
    response.writeHead(200, headers);
    response.flushHeaders();
    watchers.add(response);
  } else if (request.url === '/send') {
    response.end();
    const event = Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object: JSON.parse(body) })}\n`);
    for (const watcher of watchers) watcher.write(event);
  } else if (request.method === 'GET') {
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  } else {
    let value = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      value += chunk;
    });
    request.on('end', () => {
      if (queue.length === 0) setImmediate(commit);
      queue.push({ value, response });
    });
  }
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
