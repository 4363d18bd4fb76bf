// What Kubernetes reads: sigs.k8s.io/yaml, asked over standard input and output; and what yaml.v3 does, which
// Flux and other Go programs have.
//
// A JSON array of YAML texts goes in; a JSON array of {"json", "error", "v3"} comes out. "v3" is JSON, too, and empty
// where it has none for what was read.
// The tests build it where Go is installed.
package main

import (
	"encoding/json"
	"os"
	"time"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type answer struct {
	JSON  string `json:"json"`
	Error string `json:"error"`
	V3    string `json:"v3"`
}

// A date is no string, though JSON would make one of it.
func undated(value any) any {
	switch value := value.(type) {
	case time.Time:
		return map[string]int64{"time": value.Unix()}
	case []any:
		for i := range value {
			value[i] = undated(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = undated(value[key])
		}
	}
	return value
}

func v3(text string) string {
	var value any
	if err := yaml3.Unmarshal([]byte(text), &value); err != nil {
		return ""
	}
	read, err := json.Marshal(undated(value))
	if err != nil {
		return ""
	}
	return string(read)
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
		answers[i].V3 = v3(text)
		if err != nil {
			answers[i].Error = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
