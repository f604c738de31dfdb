// The bare limit: a Node.js server of HTTP/1.1 and HTTP/2 that answers GET with one body, keeps POSTs in SQLite (one insert each, those that
// come together in one commit), and sends one JSON encoding to all who watch. Prints its port.
import { mkdtempSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
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

const queue: { readonly value: string; readonly answer: (value: string) => void }[] = [];
const watchers = new Set<ServerResponse>();
const headers = { 'content-type': 'application/json' };

function commit(): void {
  const batch = queue.splice(0);
  database.exec('BEGIN');
  for (const { value } of batch) insert.run(value);
  database.exec('COMMIT');
  for (const { value, answer } of batch) answer(value);
}

function keep(value: string, answer: (value: string) => void): void {
  if (queue.length === 0) setImmediate(commit);
  queue.push({ value, answer });
}

const server = createSecureServer({ ...(await selfSigned('127.0.0.1')), allowHTTP1: true });

server.on('request', (request: IncomingMessage, response: ServerResponse) => {
  if (request.url === '/watch') {
    response.writeHead(200, headers);
    response.flushHeaders();
    watchers.add(response);
    response.on('close', () => watchers.delete(response));
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
      keep(value, (kept) => response.writeHead(201, headers).end(kept));
    });
  }
});

// In place of Node's own, which makes a request in the manner of HTTP/1.1 of each stream.
server.removeAllListeners('stream');
server.on('stream', (http2Stream, { ':method': method }) => {
  const stream = http2Stream as ServerHttp2Stream;
  if (method === 'GET') {
    stream.respond({ ':status': 200, ...headers, 'content-length': Buffer.byteLength(body) });
    stream.end(body);
    return;
  }
  let value = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    value += chunk;
  });
  stream.on('end', () => {
    keep(value, (kept) => {
      stream.respond({ ':status': 201, ...headers });
      stream.end(kept);
    });
  });
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
