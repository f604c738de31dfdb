// What every cluster with nodes is made of, and a server loads while it opens its store, or when it is asked for: here it
// loads together with the rest, rather than while the first cluster starts.
import '../cluster/control-loops.ts';
import '../kubelet/hollow/hollow-nodes.ts';
