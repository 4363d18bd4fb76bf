// What Kubernetes reads: sigs.k8s.io/yaml, asked over standard input and output.
//
// A JSON array of YAML texts goes in; a JSON array of {"json", "error"} comes out.
// The tests build it where Go is installed.
package main

import (
	"encoding/json"
	"os"

	"sigs.k8s.io/yaml"
)

type answer struct {
	JSON  string `json:"json"`
	Error string `json:"error"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	answers := make([]answer, len(texts))
	for i, text := range texts {
		read, err := yaml.YAMLToJSON([]byte(text))
		answers[i].JSON = string(read)
		if err != nil {
			answers[i].Error = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
