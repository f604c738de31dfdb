// Upstream's Go client, client-go, against a cluster of Portico: typed, dynamic and metadata clients, in protocol buffers
// and JSON. Prints a line for each thing tried and ends with 1 when one failed.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var ctx = context.Background()

// Clients of one cluster, and a namespace to work in.
type cluster struct {
	json, protobuf *rest.Config
	fromJSON       *kubernetes.Clientset
	typed          *kubernetes.Clientset
	dynamic        *dynamic.DynamicClient
	metadata       metadata.Interface
	discovery      *discovery.DiscoveryClient
	namespace      string
	failed         int
}

// check tells how something went.
func (c *cluster) check(name string, err error) bool {
	if err != nil {
		c.failed++
		fmt.Printf("FAILED %s: %v\n", name, err)
		return false
	}
	fmt.Printf("ok     %s\n", name)
	return true
}

// that tells whether something is as it should be; what is more helps to see why not.
func (c *cluster) that(name string, is bool, more ...any) bool {
	if is {
		return c.check(name, nil)
	}
	return c.check(name, fmt.Errorf("%v", more))
}

func (c *cluster) eventually(name string, seconds int, done func() (bool, error)) bool {
	limit := time.Duration(seconds) * time.Second
	return c.check(name, wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, limit, true,
		func(context.Context) (bool, error) { return done() }))
}

func ptr[T any](value T) *T { return &value }

func connect() (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1000, 1000
	config.WarningHandler = rest.NoWarnings{}
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = "application/vnd.kubernetes.protobuf"
	protobuf.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	return &cluster{
		json: config, protobuf: protobuf,
		fromJSON:  kubernetes.NewForConfigOrDie(config),
		typed:     kubernetes.NewForConfigOrDie(protobuf),
		dynamic:   dynamic.NewForConfigOrDie(config),
		metadata:  metadata.NewForConfigOrDie(metadata.ConfigFor(config)),
		discovery: discovery.NewDiscoveryClientForConfigOrDie(config),
		namespace: fmt.Sprintf("go-%d", time.Now().UnixNano()%1_000_000_000),
	}, nil
}

func main() {
	c, err := connect()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace}}
	_, err = c.typed.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if !c.check("a namespace", err) {
		os.Exit(1)
	}
	kinds, mapper := c.discover()
	informers := c.informers(kinds)
	c.objects(mapper)
	c.reviews()
	c.events()
	c.watches()
	c.tools()
	c.customResources(mapper)
	c.pods()
	c.encodings(kinds)
	c.check("the namespace goes", c.typed.CoreV1().Namespaces().Delete(ctx, c.namespace, metav1.DeleteOptions{}))
	c.eventually("the namespace is gone", 120, func() (bool, error) {
		_, err := c.typed.CoreV1().Namespaces().Get(ctx, c.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	informers.agree(c)
	if c.failed > 0 {
		fmt.Println(c.failed, "failed")
		os.Exit(1)
	}
}
