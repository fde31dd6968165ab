// Package manifests checks the delivered Kubernetes manifests without a cluster.
package manifests

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

func TestOverlays(t *testing.T) {
	overlays, err := filepath.Glob(root + "/kubernetes/overlays/*")
	if err != nil || len(overlays) == 0 {
		t.Fatalf("no overlays found: %v", err)
	}
	for _, overlay := range overlays {
		t.Run(filepath.Base(overlay), func(t *testing.T) {
			objects, err := render(filesys.MakeFsOnDisk(), overlay)
			if err != nil {
				t.Fatal(err)
			}
			checkOverlay(t, objects)
		})
	}
}

func checkOverlay(t *testing.T, objects []runtime.Object) {
	deployment := must[*apps.Deployment](t, objects)
	pod := deployment.Spec.Template
	podLabels := labels.Set(pod.Labels)
	server := container(t, pod.Spec)

	corefile := must[*core.ConfigMap](t, objects).Data["Corefile"]
	if file := regexp.MustCompile(`(?m)^ *serial +(\S+)$`).FindStringSubmatch(corefile); file != nil {
		t.Run("has one pod at a time, whose file of serial numbers is on a volume that stays", func(t *testing.T) {
			keepsSerials(t, objects, path.Dir(file[1]))
		})
	} else {
		t.Run("has two replicas at least, and loses none at a rollout", func(t *testing.T) {
			if *deployment.Spec.Replicas < 2 {
				t.Errorf("replicas = %d, want 2 or more", *deployment.Spec.Replicas)
			}
			if unavailable := deployment.Spec.Strategy.RollingUpdate.MaxUnavailable; *unavailable != intstr.FromInt32(0) {
				t.Errorf("maxUnavailable = %s, want 0", unavailable)
			}
		})
	}

	t.Run("meets pod security restricted", func(t *testing.T) {
		meetsRestricted(t, &pod)
	})

	t.Run("goes further: read-only root, no service account token, requests and a memory limit", func(t *testing.T) {
		if token := pod.Spec.AutomountServiceAccountToken; token == nil || *token {
			t.Error("automountServiceAccountToken isn't false")
		}
		for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			if readOnly := c.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Errorf("%s: readOnlyRootFilesystem isn't true", c.Name)
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: resources = %v, want requests for both and a memory limit", c.Name, c.Resources)
			}
		}
	})

	t.Run("ends a neighbour after fakemx", func(t *testing.T) {
		for _, c := range pod.Spec.InitContainers {
			if c.RestartPolicy == nil || *c.RestartPolicy != core.ContainerRestartPolicyAlways {
				t.Errorf("%s isn't a sidecar: restartPolicy isn't Always", c.Name)
			}
		}
		if len(pod.Spec.Containers) != 1 {
			t.Errorf("%d containers, want fakemx only", len(pod.Spec.Containers))
		}
	})

	t.Run("serves until the probe has noticed, and is given the time", func(t *testing.T) {
		match := regexp.MustCompile(`(?m)^ *lameduck (\S+)$`).FindStringSubmatch(corefile)
		if match == nil {
			t.Fatal("the Corefile has no lameduck")
		}
		lameduck, err := time.ParseDuration(match[1])
		if err != nil {
			t.Fatal(err)
		}
		probe := server.ReadinessProbe
		noticed := seconds(probe.PeriodSeconds*probe.FailureThreshold + probe.TimeoutSeconds)
		if lameduck <= noticed {
			t.Errorf("lameduck %s, but the probe may take %s", lameduck, noticed)
		}
		// Five seconds each is what CoreDNS takes at most to close its servers and its HTTP listeners.
		if grace := seconds(int32(*pod.Spec.TerminationGracePeriodSeconds)); grace < lameduck+10*time.Second {
			t.Errorf("terminationGracePeriodSeconds %s, want 10s more than the lameduck of %s", grace, lameduck)
		}
	})

	t.Run("keeps the client's address, and takes UDP and TCP on port 53 to 1053", func(t *testing.T) {
		service := must[*core.Service](t, objects)
		if service.Spec.ExternalTrafficPolicy != core.ServiceExternalTrafficPolicyLocal {
			t.Errorf("externalTrafficPolicy = %q, want Local", service.Spec.ExternalTrafficPolicy)
		}
		protocols := map[core.Protocol]bool{}
		for _, port := range service.Spec.Ports {
			target := named(t, server, port.TargetPort.StrVal)
			if port.Port != 53 || target.ContainerPort != 1053 || target.Protocol != port.Protocol {
				t.Errorf("%s %d leads to %s %d", port.Protocol, port.Port, target.Protocol, target.ContainerPort)
			}
			protocols[port.Protocol] = true
		}
		if !protocols[core.ProtocolUDP] || !protocols[core.ProtocolTCP] {
			t.Errorf("protocols = %v, want UDP and TCP", protocols)
		}
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(podLabels) || len(service.Spec.Selector) == 0 {
			t.Errorf("selector %v doesn't pick the pods %v", service.Spec.Selector, podLabels)
		}
	})

	t.Run("has a PodDisruptionBudget that picks the pods", func(t *testing.T) {
		budget := must[*disruption.PodDisruptionBudget](t, objects)
		picks(t, budget.Spec.Selector, podLabels)
		if *budget.Spec.MaxUnavailable != intstr.FromInt32(1) {
			t.Errorf("maxUnavailable = %s, want 1", budget.Spec.MaxUnavailable)
		}
	})

	t.Run("has a NetworkPolicy that lets in DNS from everywhere and metrics from the cluster, and lets out DNS and the probes of watch", func(t *testing.T) {
		network := must[*networking.NetworkPolicy](t, objects)
		picks(t, &network.Spec.PodSelector, podLabels)
		public, cluster := map[string]bool{}, map[string]bool{}
		for _, rule := range network.Spec.Ingress {
			ports := cluster
			if len(rule.From) == 0 {
				ports = public
			}
			if len(rule.Ports) == 0 {
				t.Errorf("a rule for all ports from %v", rule.From)
			}
			for _, port := range rule.Ports {
				if named(t, server, port.Port.StrVal).Protocol != *port.Protocol {
					t.Errorf("port %s isn't %s", port.Port.StrVal, *port.Protocol)
				}
				ports[port.Port.StrVal] = true
			}
		}
		if want := map[string]bool{"dns": true, "dns-tcp": true}; !reflect.DeepEqual(public, want) {
			t.Errorf("from everywhere: %v, want %v", public, want)
		}
		if want := map[string]bool{"metrics": true}; !reflect.DeepEqual(cluster, want) {
			t.Errorf("from the cluster: %v, want %v", cluster, want)
		}
		out := map[int32]bool{}
		for _, rule := range network.Spec.Egress {
			for _, port := range rule.Ports {
				out[port.Port.IntVal] = true
			}
		}
		want := map[int32]bool{53: true}
		if regexp.MustCompile(`(?m)^ *watch\b`).MatchString(corefile) {
			want[25] = true // or every pod is blind
		}
		if !reflect.DeepEqual(out, want) {
			t.Errorf("ports out: %v, want %v", out, want)
		}
		if want := []networking.PolicyType{"Ingress", "Egress"}; !reflect.DeepEqual(network.Spec.PolicyTypes, want) {
			t.Errorf("policyTypes = %v, want %v", network.Spec.PolicyTypes, want)
		}
	})
}

// keepsSerials checks that two pods never have the file of serial numbers, and
// that it outlives each.
func keepsSerials(t *testing.T, objects []runtime.Object, directory string) {
	deployment := must[*apps.Deployment](t, objects)
	pod := deployment.Spec.Template.Spec
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %q: want 1 and Recreate: the file has one owner", *deployment.Spec.Replicas, deployment.Spec.Strategy.Type)
	}
	if group := pod.SecurityContext.FSGroup; group == nil || *group != *pod.SecurityContext.RunAsGroup {
		t.Errorf("fsGroup = %v, want %d, or the server can't write the file", group, *pod.SecurityContext.RunAsGroup)
	}
	claim := must[*core.PersistentVolumeClaim](t, objects)
	for _, mount := range container(t, pod).VolumeMounts {
		if mount.MountPath != directory {
			continue
		}
		for _, volume := range pod.Volumes {
			if volume.Name == mount.Name && !mount.ReadOnly && volume.PersistentVolumeClaim != nil && volume.PersistentVolumeClaim.ClaimName == claim.Name {
				return
			}
		}
	}
	t.Errorf("no writable volume of the claim %s at %s", claim.Name, directory)
}

func TestPrometheusOperator(t *testing.T) {
	disk := filesys.MakeFsInMemory()
	copyFiles(t, disk, "kubernetes")
	copyFiles(t, disk, "grafana")
	write(t, disk, "all/kustomization.yaml", `
resources: [../kubernetes/overlays/standalone]
components: [../kubernetes/components/prometheus-operator, ../grafana]
`)
	objects, err := render(disk, "all")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("the ServiceMonitor picks the Service with the metrics, and not the public one", func(t *testing.T) {
		monitor := must[*monitoring.ServiceMonitor](t, objects)
		metrics, err := only[*core.Service](objects, "fakemx-metrics")
		if err != nil {
			t.Fatal(err)
		}
		picks(t, &monitor.Spec.Selector, metrics.Labels)
		selector, err := meta.LabelSelectorAsSelector(&monitor.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		if selector.Matches(labels.Set(must[*core.Service](t, objects).Labels)) {
			t.Error("the public Service is picked too, which has no metrics")
		}
		if got, want := monitor.Spec.Endpoints[0].Port, metrics.Spec.Ports[0].Name; got != want {
			t.Errorf("the endpoint's port is %q, the Service's is %q", got, want)
		}
		if job := metrics.Labels[monitor.Spec.JobLabel]; job != "fakemx" {
			t.Errorf("the job is %q, want fakemx as in the alerts", job)
		}
	})

	t.Run("the PrometheusRule has the rules of the file", func(t *testing.T) {
		text, err := os.ReadFile(root + "/prometheus/fakemx.rules.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var want monitoring.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict(text, &want); err != nil {
			t.Fatal(err)
		}
		if got := must[*monitoring.PrometheusRule](t, objects).Spec; !reflect.DeepEqual(got, want) {
			t.Errorf("prometheusrule.yaml and fakemx.rules.yaml differ: put the groups of the latter, indented by two, below spec of the former")
		}
	})

	t.Run("the dashboard is a ConfigMap that Grafana finds", func(t *testing.T) {
		dashboard, err := only[*core.ConfigMap](objects, "fakemx-dashboard")
		if err != nil {
			t.Fatal(err)
		}
		if dashboard.Labels["grafana_dashboard"] != "1" || dashboard.Data["fakemx.json"] == "" {
			t.Errorf("labels = %v, %d bytes of fakemx.json", dashboard.Labels, len(dashboard.Data["fakemx.json"]))
		}
	})
}

func TestRenderRefusesAnUnknownField(t *testing.T) {
	disk := filesys.MakeFsInMemory()
	copyFiles(t, disk, "kubernetes")
	write(t, disk, "bad/kustomization.yaml", `
resources: [../kubernetes/overlays/standalone]
patches:
  - target: {kind: Service}
    patch: '[{op: add, path: /spec/externalTrafficPolice, value: Local}]'
`)
	if _, err := render(disk, "bad"); err == nil {
		t.Error("a misspelt field was taken")
	}
}

// must gives the object of type T that is named fakemx.
func must[T any](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	object, err := only[T](objects, "fakemx")
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func container(t *testing.T, pod core.PodSpec) core.Container {
	t.Helper()
	for _, c := range pod.Containers {
		if c.Name == "fakemx" {
			return c
		}
	}
	t.Fatal("no container named fakemx")
	return core.Container{}
}

func named(t *testing.T, c core.Container, name string) core.ContainerPort {
	t.Helper()
	for _, port := range c.Ports {
		if port.Name == name {
			return port
		}
	}
	t.Fatalf("no port named %q", name)
	return core.ContainerPort{}
}

// picks checks a selector that picks nothing, or everything, when it is empty.
func picks(t *testing.T, selector *meta.LabelSelector, set labels.Set) {
	t.Helper()
	parsed, err := meta.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Empty() || !parsed.Matches(set) {
		t.Errorf("selector %q doesn't pick %v", parsed, set)
	}
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// copyFiles copies a directory of deploy/, so that a test can put a kustomization beside it.
func copyFiles(t *testing.T, disk filesys.FileSystem, directory string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, directory), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) == ".png" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return disk.WriteFile(name, text)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, disk filesys.FileSystem, name, text string) {
	t.Helper()
	if err := disk.WriteFile(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}
