// How long a cluster inside a test takes, and what it holds; prints it as JSON. JavaScript, as the package is: taking types
// away costs a process 20 MB of its own.
const bare = process.memoryUsage().rss;
const begin = performance.now();
const { startCluster } = await import('../../dist/testing/index.js');
const imported = performance.now();
const cluster = await startCluster({ nodes: 3 });
const ready = performance.now();
await new Promise((resolve) => setTimeout(resolve, 1000));
const resident = process.memoryUsage().rss;
await cluster.stop();
console.log(JSON.stringify({ imported: imported - begin, ready: ready - imported, bare, resident }));
