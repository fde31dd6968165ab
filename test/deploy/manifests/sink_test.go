package manifests

import (
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func TestSink(t *testing.T) {
	objects, err := render(filesys.MakeFsOnDisk(), root+"/sink/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	set, err := only[*apps.StatefulSet](objects, "fakemx-sink")
	if err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template
	server := pod.Spec.Containers[0]

	t.Run("meets pod security restricted", func(t *testing.T) {
		meetsRestricted(t, &pod)
	})

	t.Run("keeps the client's address, and takes port 25 to a port that needs no capability", func(t *testing.T) {
		service, err := only[*core.Service](objects, "fakemx-sink")
		if err != nil {
			t.Fatal(err)
		}
		if service.Spec.ExternalTrafficPolicy != core.ServiceExternalTrafficPolicyLocal {
			t.Errorf("externalTrafficPolicy = %q, want Local", service.Spec.ExternalTrafficPolicy)
		}
		if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Port != 25 {
			t.Fatalf("ports %v, want 25 only", service.Spec.Ports)
		}
		if port := named(t, server, service.Spec.Ports[0].TargetPort.StrVal).ContainerPort; port < 1024 {
			t.Errorf("port 25 leads to %d, want 1024 or more", port)
		}
	})

	t.Run("is not asked at the port of mail whether it lives, which would be a visit", func(t *testing.T) {
		for _, probe := range []*core.Probe{server.LivenessProbe, server.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port.StrVal != "metrics" {
				t.Errorf("probe = %v, want HTTP at the port metrics", probe)
			}
		}
	})

	t.Run("lets mail in from everywhere", func(t *testing.T) {
		network, err := only[*networking.NetworkPolicy](objects, "fakemx-sink")
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range network.Spec.Ingress {
			for _, port := range rule.Ports {
				if port.Port.StrVal == "smtp" && len(rule.From) == 0 {
					return
				}
			}
		}
		t.Error("no ingress rule for smtp without from")
	})
}
