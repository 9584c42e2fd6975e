// Reads files that are written for Kubernetes with Kubernetes' own types and loaders: strictly, so that a field which they do not know,
// or one that stands twice, is an error. Prints each as they understood it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	apiserver "k8s.io/apiserver/pkg/apis/apiserver/install"
	audit "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig"
	objects "k8s.io/client-go/kubernetes/scheme"
	authentication "k8s.io/client-go/pkg/apis/clientauthentication/install"
	"k8s.io/client-go/tools/clientcmd"
	kubeconfig "k8s.io/client-go/tools/clientcmd/api/latest"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
)

const usage = `usage: decode [--load] FILE...

  --load  gives each also to the loader of the program that it is for, where there is one: what that checks is checked,
          and files that it names must be there

Prints a line of JSON for each: file, kind (group/version, Kind), value.
`

type decoded struct {
	File  string `json:"file"`
	Kind  string `json:"kind"`
	Value any    `json:"value"`
}

// What the programs do beyond decoding when they start, by the kind of what they read.
var loaders = map[string]func(path string) error{
	"/v1, Kind=Config":                                         loadKubeconfig,
	"audit.k8s.io/v1, Kind=Policy":                             loadAuditPolicy,
	"apiserver.config.k8s.io/v1, Kind=EncryptionConfiguration": loadEncryption,
}

func main() {
	files := os.Args[1:]
	load := len(files) > 0 && files[0] == "--load"
	if load {
		files = files[1:]
	}
	if len(files) == 0 || files[0] == "-h" || files[0] == "--help" {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	scheme := everything()
	out, failed := json.NewEncoder(os.Stdout), false
	for _, path := range files {
		result, err := read(scheme, path, load)
		if err == nil {
			err = out.Encode(result)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// The kinds of objects that API servers have, and those of the programs' configuration.
func everything() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(objects.AddToScheme(scheme))
	utilruntime.Must(kubelet.AddToScheme(scheme))
	utilruntime.Must(kubeproxy.AddToScheme(scheme))
	utilruntime.Must(audit.AddToScheme(scheme))
	apiserver.Install(scheme)
	authentication.Install(scheme)
	return scheme
}

func read(scheme *runtime.Scheme, path string, load bool) (*decoded, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	value, kind, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		value, kind, err = serializer.NewCodecFactory(kubeconfig.Scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	}
	if err != nil {
		return nil, err
	}
	if loader := loaders[kind.String()]; load && loader != nil {
		if err := loader(path); err != nil {
			return nil, fmt.Errorf("its loader: %w", err)
		}
	}
	return &decoded{path, kind.String(), value}, nil
}

func loadKubeconfig(path string) error {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return err
	}
	_, err = clientcmd.NewDefaultClientConfig(*config, nil).ClientConfig()
	return err
}

func loadAuditPolicy(path string) error {
	_, err := policy.LoadPolicyFromFile(path)
	return err
}

func loadEncryption(path string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := encryptionconfig.LoadEncryptionConfig(ctx, path, false, "")
	return err
}
