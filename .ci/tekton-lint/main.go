// Says what Tekton itself would refuse of a file that holds a task: unknown fields, and what its admission webhook validates.
package main

import (
	"context"
	"fmt"
	"os"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	faults := 0
	for _, path := range os.Args[1:] {
		if err := lint(path); err != nil {
			fmt.Printf("%s: %v\n", path, err)
			faults++
		}
	}
	if faults > 0 {
		os.Exit(1)
	}
}

func lint(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	task := &v1.Task{}
	if err := yaml.UnmarshalStrict(text, task); err != nil {
		return err
	}
	ctx := context.Background()
	task.SetDefaults(ctx)
	if err := task.Validate(ctx); err != nil {
		return err
	}
	return nil
}
