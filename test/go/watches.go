package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/tools/record"
	watchtools "k8s.io/client-go/tools/watch"
)

// watches follows ConfigMaps in protocol buffers, reads many by pages, and their metadata alone.
func (c *cluster) watches() {
	maps := c.typed.CoreV1().ConfigMaps(c.namespace)
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	made := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "w"}, Data: map[string]string{"a": "ü"}, BinaryData: map[string][]byte{"b": {0, 255, 1}},
	}
	_, err := watchtools.UntilWithSync(limited, &cache.ListWatch{
		ListFunc:  func(o metav1.ListOptions) (runtime.Object, error) { return maps.List(ctx, o) },
		WatchFunc: func(o metav1.ListOptions) (watch.Interface, error) { return maps.Watch(ctx, o) },
	}, &corev1.ConfigMap{}, func(cache.Store) (bool, error) {
		_, err := maps.Create(ctx, made, metav1.CreateOptions{})
		return false, err
	}, func(event watch.Event) (bool, error) {
		got, is := event.Object.(*corev1.ConfigMap)
		return is && got.Name == "w" && bytes.Equal(got.BinaryData["b"], made.BinaryData["b"]) && got.Data["a"] == "ü", nil
	})
	c.check("a watch", err)

	for range 25 {
		many := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "many-", Labels: map[string]string{"m": "1"}}, Immutable: ptr(true)}
		if _, err := maps.Create(ctx, many, metav1.CreateOptions{}); err != nil {
			c.check("a generated name", err)
		}
	}
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return maps.List(ctx, o) })
	pages.PageSize = 7
	count := 0
	err = pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: "m=1"}, func(runtime.Object) error { count++; return nil })
	c.that("25 objects in pages of 7", err == nil && count == 25, err, count)

	partial := c.metadata.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(c.namespace)
	list, err := partial.List(ctx, metav1.ListOptions{})
	c.that("a list of metadata", err == nil && len(list.Items) >= 26, err)
	_, err = partial.Patch(ctx, "w", types.MergePatchType, []byte(`{"metadata":{"labels":{"p":"q"}}}`), metav1.PatchOptions{})
	c.check("a patch of metadata", err)
	c.check("a collection goes", partial.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "m=1"}))
	c.leads()
}

func (c *cluster) leads() {
	leading, cancel := context.WithCancel(ctx)
	defer cancel()
	leads := make(chan struct{})
	lock := &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Name: "lock", Namespace: c.namespace}, Client: c.typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: "me"},
	}
	go leaderelection.RunOrDie(leading, leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: time.Second, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { close(leads) }, OnStoppedLeading: func() {}},
	})
	select {
	case <-leads:
		c.check("an election", nil)
	case <-time.After(30 * time.Second):
		c.check("an election", fmt.Errorf("nobody leads"))
	}
}

// events tells of a Service three times by each API; those of one kind become one.
func (c *cluster) events() {
	service, err := c.typed.CoreV1().Services(c.namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		c.check("the Service that events tell of", err)
		return
	}
	old := record.NewBroadcaster()
	old.StartRecordingToSink(&sink{c.typed, c.namespace})
	stop := make(chan struct{})
	defer close(stop)
	series := events.NewBroadcaster(&events.EventSinkImpl{Interface: c.typed.EventsV1()})
	series.StartRecordingToSink(stop)
	first, second := old.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "go"}), series.NewRecorder(scheme.Scheme, "go-series")
	for range 3 {
		first.Eventf(service, corev1.EventTypeNormal, "Did", "it went %s", "well")
		second.Eventf(service, nil, corev1.EventTypeNormal, "Acted", "Acting", "it went %s", "well")
	}
	c.eventually("events of both APIs", 60, func() (bool, error) {
		did, err := c.typed.CoreV1().Events(c.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=Did,involvedObject.name=web"})
		if err != nil || len(did.Items) != 1 || did.Items[0].Count != 3 {
			return false, err
		}
		acted, err := c.typed.EventsV1().Events(c.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=Acted"})
		return err == nil && len(acted.Items) == 1 && acted.Items[0].Series != nil, err
	})
}

type sink struct {
	client    kubernetes.Interface
	namespace string
}

func (s *sink) Create(event *corev1.Event) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.namespace).CreateWithEventNamespace(event)
}

func (s *sink) Update(event *corev1.Event) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.namespace).UpdateWithEventNamespace(event)
}

func (s *sink) Patch(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.client.CoreV1().Events(s.namespace).PatchWithEventNamespace(event, data)
}

// encodings reads all objects of all kinds in JSON and in protocol buffers; they are to be the same.
func (c *cluster) encodings(kinds []schema.GroupVersionResource) {
	same, differ := 0, []string{}
	for _, kind := range kinds {
		if !scheme.Scheme.IsVersionRegistered(kind.GroupVersion()) {
			continue
		}
		fromJSON, err := c.read(kind, "application/json")
		fromProtobuf, err2 := c.read(kind, "application/vnd.kubernetes.protobuf")
		if runtime.IsNotRegisteredError(err) {
			continue
		}
		if err != nil || err2 != nil {
			c.check("decode "+kind.String(), fmt.Errorf("%v, %v", err, err2))
			continue
		}
		for key, object := range fromJSON {
			other, is := fromProtobuf[key]
			if !is {
				continue // it changed in between
			}
			object.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			other.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			if equality.Semantic.DeepEqual(object, other) {
				same++
			} else {
				differ = append(differ, fmt.Sprint(kind, " ", key, " ", difference(object, other)))
			}
		}
	}
	c.that(fmt.Sprintf("%d objects are the same in both encodings", same), same > 100 && len(differ) == 0, strings.Join(differ, "\n"))
}

// read is all objects of a kind, by namespace, name and resourceVersion.
func (c *cluster) read(kind schema.GroupVersionResource, accept string) (map[string]runtime.Object, error) {
	client, err := rest.HTTPClientFor(c.json)
	if err != nil {
		return nil, err
	}
	path := "/apis/" + kind.Group + "/" + kind.Version + "/" + kind.Resource
	if kind.Group == "" {
		path = "/api/" + kind.Version + "/" + kind.Resource
	}
	request, _ := http.NewRequest("GET", c.json.Host+path, nil)
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 || !strings.HasPrefix(response.Header.Get("Content-Type"), accept) {
		return nil, fmt.Errorf("%d %s %v", response.StatusCode, response.Header.Get("Content-Type"), err)
	}
	list, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return nil, err
	}
	items, err := meta.ExtractList(list)
	objects := map[string]runtime.Object{}
	for _, item := range items {
		object, _ := meta.Accessor(item)
		objects[object.GetNamespace()+"/"+object.GetName()+"@"+object.GetResourceVersion()] = item
	}
	return objects, err
}
