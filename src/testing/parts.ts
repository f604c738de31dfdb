// What every cluster with nodes is made of, and a server loads only when it is asked for: here it loads together with the
// rest, rather than while the first cluster starts.
import '../kubelet/hollow/hollow-nodes.ts';
