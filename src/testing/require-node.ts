/** Throws where Node.js is older than package.json asks for: it would start, and answer no client that speaks HTTP/2. */
export function requireNode(version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 7)) return;
  throw new Error(`portico/testing needs Node.js 24.7 or newer; this one (${process.execPath}) is ${version}`);
}
