// Node's http module. Importing it by its name makes a module of all its exports, and reads them for that; one of them is a
// getter that loads the whole of undici, which takes 25 ms and 5 MB, for classes that nobody here uses. So: without.
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');

/**
 * Also answers who closes its half of the connection once it has asked (RFC 9112, section 9.6), as Go's servers do. Node's own
 * default ends the connection there, and loses an answer that is still being made.
 */
export function answerHalfClosed(server: object): void {
  Object.assign(server, { httpAllowHalfOpen: true });
}
