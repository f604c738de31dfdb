package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

// pods waits for the Deployment's, and speaks with one: log, exec, port-forward over SPDY and over WebSocket, its Service's proxy.
func (c *cluster) pods() {
	var pod *corev1.Pod
	ok := c.eventually("two pods are ready, and in slices", 120, func() (bool, error) {
		pods, err := c.typed.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=web", FieldSelector: "status.phase=Running"})
		if err != nil || len(pods.Items) != 2 {
			return false, err
		}
		pod = &pods.Items[0]
		slices, err := c.typed.DiscoveryV1().EndpointSlices(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=web"})
		return err == nil && len(slices.Items) == 1 && len(slices.Items[0].Endpoints) == 2 && *slices.Items[0].Endpoints[0].Conditions.Ready, err
	})
	if !ok {
		return
	}
	_, err := c.typed.CoreV1().Pods(c.namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Timestamps: true, TailLines: ptr(int64(5))}).DoRaw(ctx)
	c.check("its log", err)
	for _, transport := range []string{"SPDY", "WebSocket"} {
		c.exec(pod, transport)
		c.terminal(pod, transport)
		c.forward(pod, transport)
	}
	_, err = c.typed.CoreV1().Services(c.namespace).ProxyGet("http", "web", "http", "/", nil).DoRaw(ctx)
	c.check("the Service's proxy", err)
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: c.namespace}}
	c.check("eviction", c.typed.PolicyV1().Evictions(c.namespace).Evict(ctx, eviction))
}

func (c *cluster) subresource(pod *corev1.Pod, name string) *url.URL {
	return c.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.namespace).Name(pod.Name).SubResource(name).URL()
}

func (c *cluster) executor(pod *corev1.Pod, transport string, options *corev1.PodExecOptions) (remotecommand.Executor, error) {
	request := c.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.namespace).Name(pod.Name).SubResource("exec")
	target := request.VersionedParams(options, scheme.ParameterCodec).URL()
	if transport == "SPDY" {
		return remotecommand.NewSPDYExecutor(c.json, "POST", target)
	}
	return remotecommand.NewWebSocketExecutor(c.json, "GET", target.String())
}

func (c *cluster) exec(pod *corev1.Pod, transport string) {
	executor, err := c.executor(pod, transport, &corev1.PodExecOptions{
		Container: "web", Command: []string{"sh", "-c", "cat; echo err >&2; exit 3"}, Stdin: true, Stdout: true, Stderr: true,
	})
	if err != nil {
		c.check("exec over "+transport, err)
		return
	}
	var out, errors bytes.Buffer
	in := strings.Repeat("0123456789abcdef", 1<<16)
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errors})
	exit, is := err.(interface{ ExitStatus() int })
	c.that("exec over "+transport+", a mebibyte there and back, exit code 3",
		is && exit.ExitStatus() == 3 && out.String() == in && errors.String() == "err\n", err, out.Len(), errors.String())
}

func (c *cluster) terminal(pod *corev1.Pod, transport string) {
	executor, err := c.executor(pod, transport, &corev1.PodExecOptions{
		Container: "web", Command: []string{"sh", "-c", "until stty size | grep -q '33 99'; do sleep 0.1; done; stty size"}, Stdout: true, TTY: true,
	})
	if err != nil {
		c.check("a terminal over "+transport, err)
		return
	}
	var out bytes.Buffer
	ended := make(chan struct{})
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Tty: true, TerminalSizeQueue: &oneSize{ended: ended}})
	close(ended)
	c.that("a terminal over "+transport+" takes its size", err == nil && strings.Contains(out.String(), "33 99"), err, out.String())
}

// oneSize is told once; then nothing until the end.
type oneSize struct {
	told  bool
	ended chan struct{}
}

func (s *oneSize) Next() *remotecommand.TerminalSize {
	if s.told {
		<-s.ended
		return nil
	}
	s.told = true
	return &remotecommand.TerminalSize{Width: 99, Height: 33}
}

func (c *cluster) dialer(pod *corev1.Pod, transport string) (httpstream.Dialer, error) {
	target := c.subresource(pod, "portforward")
	if transport == "WebSocket" {
		return portforward.NewSPDYOverWebsocketDialer(target, c.json)
	}
	roundTripper, upgrader, err := spdy.RoundTripperFor(c.json)
	return spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, "POST", target), err
}

// forward makes twenty connections, each of which the client resets when it is through.
func (c *cluster) forward(pod *corev1.Pod, transport string) {
	name := "twenty connections forwarded over " + transport
	dialer, err := c.dialer(pod, transport)
	if err != nil {
		c.check(name, err)
		return
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.New(dialer, []string{"0:80"}, stop, ready, io.Discard, os.Stderr)
	if err != nil {
		c.check(name, err)
		return
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		c.check(name, fmt.Errorf("ended before it was ready: %v", err))
		return
	case <-time.After(30 * time.Second):
		c.check(name, fmt.Errorf("is not ready"))
		return
	}
	ports, _ := forwarder.GetPorts()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answered := 0
	for range 20 {
		response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local))
		if err != nil {
			fmt.Println("      ", err)
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			answered++
		}
	}
	close(stop)
	err = <-ended
	c.that(name, answered == 20 && err == nil, answered, err)
}

// customResources makes a kind, objects of it, their status and scale, and takes it away.
func (c *cluster) customResources(mapper *restmapper.DeferredDiscoveryRESTMapper) {
	type object = map[string]any
	definitions := c.dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	version := object{
		"name": "v1", "served": true, "storage": true,
		"subresources": object{"status": object{}, "scale": object{"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
		"schema":       object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
	}
	definition := object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": "things.go.example"},
		"spec": object{
			"group": "go.example", "scope": "Namespaced", "names": object{"plural": "things", "kind": "Thing"}, "versions": []any{version},
		},
	}
	_, err := definitions.Create(ctx, &unstructured.Unstructured{Object: definition}, metav1.CreateOptions{})
	if !c.check("a CustomResourceDefinition", err) {
		return
	}
	things := c.dynamic.Resource(schema.GroupVersionResource{Group: "go.example", Version: "v1", Resource: "things"}).Namespace(c.namespace)
	thing := func(name string) *unstructured.Unstructured {
		spec := object{"replicas": int64(2), "part": 1.5, "nothing": nil, "list": []any{"a", int64(1)}}
		return &unstructured.Unstructured{Object: object{"apiVersion": "go.example/v1", "kind": "Thing", "metadata": object{"name": name}, "spec": spec}}
	}
	c.eventually("a custom object", 30, func() (bool, error) {
		_, err := things.Create(ctx, thing("made"), metav1.CreateOptions{})
		return err == nil, nil
	})
	got, err := things.Get(ctx, "made", metav1.GetOptions{})
	if err == nil {
		replicas, _, _ := unstructured.NestedInt64(got.Object, "spec", "replicas")
		part, _, _ := unstructured.NestedFloat64(got.Object, "spec", "part")
		c.that("whole numbers and others", replicas == 2 && part == 1.5, got)
		_ = unstructured.SetNestedField(got.Object, int64(2), "status", "replicas")
		_, err = things.UpdateStatus(ctx, got, metav1.UpdateOptions{})
	}
	c.check("its status", err)
	mapper.Reset()
	client, err := scale.NewForConfig(c.json, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(c.discovery))
	if err == nil {
		_, err = client.Scales(c.namespace).Get(ctx, schema.GroupResource{Group: "go.example", Resource: "things"}, "made", metav1.GetOptions{})
	}
	c.check("its scale", err)
	_, err = things.Apply(ctx, "applied", thing("applied"), metav1.ApplyOptions{FieldManager: "go"})
	c.check("a custom object, applied", err)
	c.check("the kind goes", definitions.Delete(ctx, "things.go.example", metav1.DeleteOptions{PropagationPolicy: ptr(metav1.DeletePropagationForeground)}))
}
