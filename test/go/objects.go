package main

import (
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	applyapps "k8s.io/client-go/applyconfigurations/apps/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/retry"
)

// objects writes a Deployment and a Service in protocol buffers, in every way that there is, and fails as it should.
func (c *cluster) objects(mapper *restmapper.DeferredDiscoveryRESTMapper) {
	deployments, services := c.typed.AppsV1().Deployments(c.namespace), c.typed.CoreV1().Services(c.namespace)
	made, err := deployments.Create(ctx, deployment(c.namespace), metav1.CreateOptions{})
	if !c.check("create a Deployment", err) {
		return
	}
	back, err := c.fromJSON.AppsV1().Deployments(c.namespace).Get(ctx, "web", metav1.GetOptions{})
	c.that("it is the same in JSON", err == nil && equality.Semantic.DeepEqual(back.Spec, made.Spec), err, difference(back.Spec, made.Spec))
	_, err = services.Create(ctx, service(c.namespace, "web"), metav1.CreateOptions{})
	c.check("create a Service", err)

	_, err = services.Create(ctx, service(c.namespace, "web"), metav1.CreateOptions{})
	c.that("AlreadyExists", apierrors.IsAlreadyExists(err), err)
	_, err = services.Create(ctx, service(c.namespace, "WEB"), metav1.CreateOptions{})
	status, _ := err.(*apierrors.StatusError)
	c.that("Invalid, with causes", apierrors.IsInvalid(err) && len(status.Status().Details.Causes) > 0, err)
	_, err = services.Get(ctx, "nobody", metav1.GetOptions{})
	c.that("NotFound", apierrors.IsNotFound(err), err)

	c.check("update, again on a conflict", retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.Labels = map[string]string{"x": "y"}
		_, err = deployments.Update(ctx, object, metav1.UpdateOptions{})
		return err
	}))
	_, err = deployments.Update(ctx, made, metav1.UpdateOptions{})
	c.that("Conflict", apierrors.IsConflict(err), err)
	for kind, patch := range map[types.PatchType]string{
		types.StrategicMergePatchType: `{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"b"}]}]}}}}`,
		types.JSONPatchType:           `[{"op":"add","path":"/metadata/annotations/q","value":"r"}]`,
		types.MergePatchType:          `{"metadata":{"labels":{"x":null}}}`,
	} {
		_, err = deployments.Patch(ctx, "web", kind, []byte(patch), metav1.PatchOptions{})
		c.check("patch: "+string(kind), err)
	}
	c.apply()
	c.scales(mapper)
}

func (c *cluster) apply() {
	deployments := c.typed.AppsV1().Deployments(c.namespace)
	labels := map[string]string{"a": "b"}
	container := applycore.Container().WithName("c").WithImage(os.Getenv("IMAGE"))
	template := applycore.PodTemplateSpec().WithLabels(labels).WithSpec(applycore.PodSpec().WithContainers(container))
	spec := applyapps.DeploymentSpec().WithReplicas(0).WithSelector(applymeta.LabelSelector().WithMatchLabels(labels)).WithTemplate(template)
	applied, err := deployments.Apply(ctx, applyapps.Deployment("applied", c.namespace).WithSpec(spec), metav1.ApplyOptions{FieldManager: "go"})
	if c.check("apply", err) {
		own, err := applyapps.ExtractDeployment(applied, "go")
		c.that("what was applied is found again", err == nil && own.Spec != nil && own.Spec.Replicas != nil && *own.Spec.Replicas == 0, err)
	}
	other := applyapps.Deployment("web", c.namespace).WithSpec(applyapps.DeploymentSpec().WithReplicas(9))
	_, err = deployments.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "other"})
	c.that("apply what is another's: Conflict", apierrors.IsConflict(err), err)
}

func (c *cluster) scales(mapper *restmapper.DeferredDiscoveryRESTMapper) {
	deployments := c.typed.AppsV1().Deployments(c.namespace)
	c.check("scale to 2", retry.RetryOnConflict(retry.DefaultRetry, func() error {
		present, err := deployments.GetScale(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		present.Spec.Replicas = 2
		_, err = deployments.UpdateScale(ctx, "web", present, metav1.UpdateOptions{})
		return err
	}))
	client, err := scale.NewForConfig(c.json, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(c.discovery))
	if c.check("the client of scales", err) {
		got, err := client.Scales(c.namespace).Get(ctx, schema.GroupResource{Group: "apps", Resource: "deployments"}, "web", metav1.GetOptions{})
		c.that("the scale, whatever its kind", err == nil && got.Spec.Replicas == 2, err)
	}
}

// reviews asks who one is and what one may, as oneself, as a ServiceAccount and as somebody else.
func (c *cluster) reviews() {
	access := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"},
	}}
	got, err := c.typed.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, access, metav1.CreateOptions{})
	c.that("SelfSubjectAccessReview", err == nil && got.Status.Allowed, err)
	rules := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: c.namespace}}
	_, err = c.typed.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, rules, metav1.CreateOptions{})
	c.check("SelfSubjectRulesReview", err)

	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr(int64(3600))}}
	var token *authenticationv1.TokenRequest
	c.eventually("a token of the default ServiceAccount", 30, func() (bool, error) {
		token, err = c.typed.CoreV1().ServiceAccounts(c.namespace).CreateToken(ctx, "default", request, metav1.CreateOptions{})
		return err == nil, nil
	})
	if err != nil {
		return
	}
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token.Status.Token}}
	reviewed, err := c.typed.AuthenticationV1().TokenReviews().Create(ctx, review, metav1.CreateOptions{})
	name := "system:serviceaccount:" + c.namespace + ":default"
	c.that("TokenReview", err == nil && reviewed.Status.Authenticated && reviewed.Status.User.Username == name, err)
	weak := rest.AnonymousClientConfig(c.protobuf)
	weak.BearerToken = token.Status.Token
	_, err = kubernetes.NewForConfigOrDie(weak).CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{})
	c.that("Forbidden", apierrors.IsForbidden(err), err)
	jane := rest.CopyConfig(c.protobuf)
	jane.Impersonate = rest.ImpersonationConfig{UserName: "jane", Groups: []string{"a", "b"}, Extra: map[string][]string{"Some/key": {"v w"}}}
	self := &authenticationv1.SelfSubjectReview{}
	who, err := kubernetes.NewForConfigOrDie(jane).AuthenticationV1().SelfSubjectReviews().Create(ctx, self, metav1.CreateOptions{})
	c.that("SelfSubjectReview as somebody else", err == nil && who.Status.UserInfo.Username == "jane" && len(who.Status.UserInfo.Extra["some/key"]) == 1, err)
}

func deployment(namespace string) *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	container := corev1.Container{
		Name: "web", Image: os.Getenv("IMAGE"),
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}},
		Env:   []corev1.EnvVar{{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}},
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")},
		}},
	}
	rolling := &appsv1.RollingUpdateDeployment{MaxSurge: ptr(intstr.FromString("50%")), MaxUnavailable: ptr(intstr.FromInt32(0))}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: namespace, Annotations: map[string]string{"made": "by go"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{RollingUpdate: rolling},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{TerminationGracePeriodSeconds: ptr(int64(1)), Containers: []corev1.Container{container}},
			},
		},
	}
}

func service(namespace, name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "web"}, SessionAffinity: corev1.ServiceAffinityClientIP,
			Ports: []corev1.ServicePort{
				{Name: "http", Port: 80, TargetPort: intstr.FromString("http")},
				{Name: "number", Port: 81, TargetPort: intstr.FromInt32(80)},
			},
		},
	}
}

// difference is where two values part, in JSON.
func difference(a, b any) string {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	at := 0
	for at < len(x) && at < len(y) && x[at] == y[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("%s <> %s", x[from:min(len(x), at+80)], y[from:min(len(y), at+80)])
}
