#!/bin/sh
# A test in shell: what kubectl sees of a Deployment and its Service.
set -eu

kubectl create deployment web --image=web:1 --replicas=3 --port=80
kubectl expose deployment web --port=80
kubectl rollout status deployment/web --timeout=300s
kubectl wait --for=jsonpath='{.endpoints[2].conditions.ready}'=true --timeout=300s \
  endpointslice -l kubernetes.io/service-name=web

kubectl set image deployment/web '*=web:2'
kubectl rollout status deployment/web --timeout=300s
kubectl rollout undo deployment/web
kubectl rollout status deployment/web --timeout=300s
[ "$(kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}')" = web:1 ]

kubectl delete deployment web --cascade=foreground --timeout=300s
[ -z "$(kubectl get replicasets -o name)" ]
echo "all is well"
