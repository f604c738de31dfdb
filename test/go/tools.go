package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/disk"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/certificate"
)

// tools tries what stands on the clients: discovery in all its forms, a watch that goes on by itself, certificates that renew
// themselves, and CBOR, which a server may refuse.
func (c *cluster) tools() {
	c.discoveries()
	c.retryWatcher()
	c.certificates()
	c.cbor()
}

// discoveries asks for all that is served aggregated, in both versions, and plain; each has the same resources.
func (c *cluster) discoveries() {
	names := func(lists []*metav1.APIResourceList) []string {
		all := []string{}
		for _, list := range lists {
			for _, resource := range list.APIResources {
				all = append(all, fmt.Sprint(list.GroupVersion, " ", resource.Name, " ", resource.Kind, " ", resource.Verbs, resource.ShortNames, resource.Categories))
			}
		}
		slices.Sort(all)
		return all
	}
	_, aggregated, err := c.discovery.ServerGroupsAndResources()
	plain := *c.discovery
	plain.UseLegacyDiscovery = true
	_, other, err2 := plain.ServerGroupsAndResources()
	missing := slices.DeleteFunc(names(aggregated), func(one string) bool { return slices.Contains(names(other), one) })
	c.that("discovery, aggregated and plain", err == nil && err2 == nil && len(missing) == 0 && len(names(aggregated)) == len(names(other)), err, err2, missing)
	for _, version := range []string{"v2", "v2beta1"} {
		accept := "application/json;g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList"
		body, err := c.discovery.RESTClient().Get().AbsPath("/apis").SetHeader("Accept", accept).DoRaw(ctx)
		var list apidiscovery.APIGroupDiscoveryList
		if err == nil {
			err = json.Unmarshal(body, &list)
		}
		c.that("aggregated discovery "+version, err == nil && list.APIVersion == "apidiscovery.k8s.io/"+version && len(list.Items) > 15, err)
	}
	folder, _ := os.MkdirTemp("", "go-discovery-")
	defer os.RemoveAll(folder)
	for _, again := range []string{"", ", from disk"} {
		kept, err := disk.NewCachedDiscoveryClientForConfig(c.json, folder, folder, time.Hour)
		if err == nil {
			var lists []*metav1.APIResourceList
			_, lists, err = kept.ServerGroupsAndResources()
			c.that("kept discovery"+again, err == nil && len(names(lists)) == len(names(aggregated)), err)
		}
	}
	c.check("it is not older than the client", discovery.ServerSupportsVersion(c.discovery, schema.GroupVersion{Group: "apps", Version: "v1"}))
	root := openapi3.NewRoot(c.discovery.OpenAPIV3())
	document, err := root.GVSpec(schema.GroupVersion{Group: "apps", Version: "v1"})
	c.that("OpenAPI v3, read as such", err == nil && document.Components.Schemas["io.k8s.api.apps.v1.Deployment"] != nil, err)
}

// retryWatcher follows ConfigMaps over the ends of its watches, without a list.
func (c *cluster) retryWatcher() {
	maps := c.typed.CoreV1().ConfigMaps(c.namespace)
	list, err := maps.List(ctx, metav1.ListOptions{})
	if !c.check("a list to begin with", err) {
		return
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.TimeoutSeconds = ptr(int64(1))
			return maps.Watch(ctx, o)
		},
	})
	if !c.check("a watch that goes on", err) {
		return
	}
	defer watcher.Stop()
	for i := range 3 {
		time.Sleep(1500 * time.Millisecond)
		name := fmt.Sprint("retried-", i)
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if !c.check("make "+name, err) {
			return
		}
		select {
		case event := <-watcher.ResultChan():
			got, is := event.Object.(*corev1.ConfigMap)
			c.that("it is seen, after the watch ended", is && got.Name == name, event)
		case <-time.After(30 * time.Second):
			c.check("it is seen, after the watch ended", fmt.Errorf("nothing comes"))
		}
	}
}

// certificates lets client-go's manager ask for a certificate of a client, approves it, and uses it.
func (c *cluster) certificates() {
	folder, _ := os.MkdirTemp("", "go-certificates-")
	defer os.RemoveAll(folder)
	store, err := certificate.NewFileStore("client", folder, folder, "", "")
	if !c.check("a store of certificates", err) {
		return
	}
	user := "jane-" + c.namespace
	manager, err := certificate.NewManager(&certificate.Config{
		ClientsetFn: func(*tls.Certificate) (kubernetes.Interface, error) { return c.typed, nil },
		Template:    &x509.CertificateRequest{Subject: pkix.Name{CommonName: user, Organization: []string{"dev"}}},
		SignerName:  certificatesv1.KubeAPIServerClientSignerName, RequestedCertificateLifetime: ptr(time.Hour),
		Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}, CertificateStore: store,
	})
	if !c.check("a manager of certificates", err) {
		return
	}
	manager.Start()
	defer manager.Stop()
	requests := c.typed.CertificatesV1().CertificateSigningRequests()
	c.eventually("a certificate is asked for, approved and kept", 60, func() (bool, error) {
		list, err := requests.List(ctx, metav1.ListOptions{FieldSelector: "spec.signerName=" + certificatesv1.KubeAPIServerClientSignerName})
		if err != nil {
			return false, err
		}
		for _, request := range list.Items {
			if len(request.Status.Conditions) == 0 {
				request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "go", Message: "go"}}
				if _, err := requests.UpdateApproval(ctx, request.Name, &request, metav1.UpdateOptions{}); err != nil {
					return false, err
				}
			}
		}
		return manager.Current() != nil, nil
	})
	if manager.Current() == nil {
		return
	}
	own := rest.AnonymousClientConfig(c.json)
	own.CertFile, own.KeyFile = store.CurrentPath(), store.CurrentPath()
	_, err = kubernetes.NewForConfigOrDie(own).CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{})
	c.that("it says who one is", apierrors.IsForbidden(err) && strings.Contains(err.Error(), user), err)
}

// cbor is what a client may prefer and this server does not know: 415 makes it write JSON from then on.
func (c *cluster) cbor() {
	config := rest.CopyConfig(c.json)
	config.ContentType, config.AcceptContentTypes = "application/cbor", "application/cbor,application/json"
	client := kubernetes.NewForConfigOrDie(config).CoreV1().ConfigMaps(c.namespace)
	create := func(name string) error {
		_, err := client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		return err
	}
	if err := create("cbor"); !apierrors.IsUnsupportedMediaType(err) {
		// Clients write CBOR only where KUBE_FEATURE_ClientsAllowCBOR says so.
		c.check("JSON in place of CBOR", err)
		return
	}
	c.check("JSON after CBOR was refused", create("cbor"))
}
