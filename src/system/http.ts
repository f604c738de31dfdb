// Node's http module. Importing it by its name makes a module of all its exports, and reads them for that; one of them is a
// getter that loads the whole of undici, which takes 25 ms and 5 MB, for classes that nobody here uses. So: without.
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');
