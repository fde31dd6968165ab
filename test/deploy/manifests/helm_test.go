package manifests

import (
	"flag"
	"os"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	disruption "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rendered is what `helm template mydns CHART --values deploy/helm/values.yaml` wrote. The chart is not ours, so that
// only test/deploy/run helm, which is told where it is, gives it.
var rendered = flag.String("rendered", "", "output of helm template")

func TestHelmValues(t *testing.T) {
	if *rendered == "" {
		t.Skip("without -rendered; see test/deploy/parts/helm.sh")
	}
	objects := decodeAll(t, *rendered)
	deployment, err := only[*apps.Deployment](objects, "mydns-coredns")
	if err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template
	server := pod.Spec.Containers[0]

	t.Run("the pod meets pod security restricted, without any capability", func(t *testing.T) {
		meetsRestricted(t, &pod)
		if added := server.SecurityContext.Capabilities.Add; len(added) != 0 {
			t.Errorf("capabilities %v are added, want none", added)
		}
	})

	t.Run("the chart's limit for the CPU is gone, one for memory is there", func(t *testing.T) {
		limits := server.Resources.Limits
		if !limits.Cpu().IsZero() || limits.Memory().IsZero() {
			t.Errorf("limits %v, want memory only", limits)
		}
	})

	t.Run("the Corefile has the servers of the values, and none of the chart's", func(t *testing.T) {
		config, err := only[*core.ConfigMap](objects, "mydns-coredns")
		if err != nil {
			t.Fatal(err)
		}
		corefile := config.Data["Corefile"]
		if !strings.Contains(corefile, "fakemx {") || strings.Count(corefile, "errors") != 1 || strings.Contains(corefile, "kubernetes") {
			t.Errorf("Corefile:\n%s", corefile)
		}
	})

	t.Run("the Service takes UDP and TCP on port 53 to 1053, and keeps the client's address", func(t *testing.T) {
		service, err := only[*core.Service](objects, "mydns-coredns")
		if err != nil {
			t.Fatal(err)
		}
		if len(service.Spec.Ports) != 2 || service.Spec.ExternalTrafficPolicy != core.ServiceExternalTrafficPolicyLocal {
			t.Errorf("ports %v, policy %s, want two and Local", service.Spec.Ports, service.Spec.ExternalTrafficPolicy)
		}
		for _, port := range service.Spec.Ports {
			if port.Port != 53 || port.TargetPort.IntVal != 1053 {
				t.Errorf("%s %d leads to %s", port.Protocol, port.Port, port.TargetPort.String())
			}
		}
	})

	t.Run("two replicas, none lost at a rollout, and a PodDisruptionBudget", func(t *testing.T) {
		if *deployment.Spec.Replicas != 2 || deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal != 0 {
			t.Errorf("replicas %d, %v", *deployment.Spec.Replicas, deployment.Spec.Strategy.RollingUpdate)
		}
		budget, err := only[*disruption.PodDisruptionBudget](objects, "mydns-coredns")
		if err != nil {
			t.Fatal(err)
		}
		picks(t, budget.Spec.Selector, pod.Labels)
	})
}

// decodeAll reads a file of many objects.
func decodeAll(t *testing.T, file string) []runtime.Object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := strict()
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, document := range strings.Split(string(text), "\n---\n") {
		object, _, err := decoder.Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		objects = append(objects, object)
	}
	return objects
}
