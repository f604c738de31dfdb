// What every cluster is made of, and a server loads only when it comes to it: here it loads together with the rest, rather
// than while the first cluster starts.
import '../apiserver/pki/certificates.ts';
import '../client/informers.ts';
import '../controllers/run.ts';
import '../kubelet/hollow/hollow-nodes.ts';
import '../scheduler/scheduler.ts';
import '../storage/memory/memory-storage.ts';
