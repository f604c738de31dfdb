package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/restmapper"
)

// discover reads what there is, and finds what can be watched.
func (c *cluster) discover() ([]schema.GroupVersionResource, *restmapper.DeferredDiscoveryRESTMapper) {
	version, err := c.discovery.ServerVersion()
	c.check(fmt.Sprintf("version %s", version), err)
	_, _, err = c.discovery.ServerGroupsAndResources()
	c.check("groups and resources", err)
	_, err = c.discovery.OpenAPISchema()
	c.check("OpenAPI v2", err)
	paths, err := openapi.NewClient(c.discovery.RESTClient()).Paths()
	c.check(fmt.Sprintf("OpenAPI v3, %d documents", len(paths)), err)
	for name, document := range paths {
		if _, err := document.Schema("application/json"); err != nil {
			c.check("OpenAPI v3 of "+name, err)
		}
	}
	lists, err := c.discovery.ServerPreferredResources()
	c.check("preferred resources", err)
	var kinds []schema.GroupVersionResource
	for _, list := range lists {
		groupVersion, _ := schema.ParseGroupVersion(list.GroupVersion)
		for _, resource := range list.APIResources {
			if !strings.Contains(resource.Name, "/") && slices.Contains(resource.Verbs, "list") && slices.Contains(resource.Verbs, "watch") {
				kinds = append(kinds, groupVersion.WithResource(resource.Name))
			}
		}
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.discovery))
	var mapping *meta.RESTMapping
	mapping, err = mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"}, "v1")
	c.that("the mapping of a kind", err == nil && mapping.Resource.Resource == "deployments", err)
	return kinds, mapper
}

type knowing struct {
	kinds []schema.GroupVersionResource
	typed informers.SharedInformerFactory
	stop  chan struct{}
}

// informers follows all kinds: typed in protocol buffers, dynamic, and their metadata alone.
func (c *cluster) informers(kinds []schema.GroupVersionResource) knowing {
	stop := make(chan struct{})
	typed := informers.NewSharedInformerFactory(c.typed, 0)
	whole := dynamicinformer.NewDynamicSharedInformerFactory(c.dynamic, 0)
	partial := metadatainformer.NewSharedInformerFactory(c.metadata, 0)
	known := 0
	for _, kind := range kinds {
		// This client-go may not know the newest.
		if informer, err := typed.ForResource(kind); err == nil {
			informer.Informer()
			known++
		}
		whole.ForResource(kind).Informer()
		partial.ForResource(kind).Informer()
	}
	typed.Start(stop)
	whole.Start(stop)
	partial.Start(stop)
	limit := make(chan struct{})
	time.AfterFunc(time.Minute, func() { close(limit) })
	missing := []string{}
	for kind, synced := range typed.WaitForCacheSync(limit) {
		if !synced {
			missing = append(missing, kind.String())
		}
	}
	for _, synced := range []map[schema.GroupVersionResource]bool{whole.WaitForCacheSync(limit), partial.WaitForCacheSync(limit)} {
		for kind, is := range synced {
			if !is {
				missing = append(missing, kind.String())
			}
		}
	}
	c.that(fmt.Sprintf("informers: %d typed, %d dynamic, %d of metadata", known, len(kinds), len(kinds)), len(missing) == 0, missing)
	return knowing{kinds, typed, stop}
}

// agree ends the informers when they have what there is; events and leases come and go all the time.
func (k knowing) agree(c *cluster) {
	defer close(k.stop)
	c.eventually("informers hold what there is", 30, func() (bool, error) {
		for _, kind := range k.kinds {
			informer, err := k.typed.ForResource(kind)
			if err != nil || kind.Resource == "events" || kind.Resource == "leases" {
				continue
			}
			list, err := c.dynamic.Resource(kind).List(ctx, metav1.ListOptions{})
			if err != nil || len(informer.Informer().GetStore().ListKeys()) != len(list.Items) {
				return false, err
			}
		}
		return true, nil
	})
}
