package manifests

import (
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// root is deploy/ as seen from this package.
const root = "../../../deploy"

// render builds a kustomization of the file system and decodes what comes out. A field that the API does not know is an error.
func render(fs filesys.FileSystem, path string) ([]runtime.Object, error) {
	decoder, err := strict()
	if err != nil {
		return nil, err
	}
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, path)
	if err != nil {
		return nil, err
	}
	var objects []runtime.Object
	for _, resource := range rendered.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", resource.GetKind(), resource.GetName(), err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// strict is a decoder of all kinds in the manifests, for which a field that the API does not know is an error.
func strict() (runtime.Decoder, error) {
	types := runtime.NewScheme()
	groups := runtime.NewSchemeBuilder(apps.AddToScheme, core.AddToScheme, networking.AddToScheme, disruption.AddToScheme, monitoring.AddToScheme)
	if err := groups.AddToScheme(types); err != nil {
		return nil, err
	}
	return serializer.NewCodecFactory(types, serializer.EnableStrict).UniversalDeserializer(), nil
}

// only gives the one object of type T.
func only[T any](objects []runtime.Object, name string) (T, error) {
	var found T
	count := 0
	for _, object := range objects {
		if t, ok := object.(T); ok && object.(interface{ GetName() string }).GetName() == name {
			found, count = t, count+1
		}
	}
	if count != 1 {
		return found, fmt.Errorf("%d objects of type %T named %q, want 1", count, found, name)
	}
	return found, nil
}
