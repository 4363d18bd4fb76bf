// What Kubernetes and Helm make of quantities and versions: k8s.io/apimachinery and Masterminds/semver.
//
// Lines of columns between tabs go in; the same lines come out, with the answers behind:
//
//	quantities   text                  canonical form, whole, thousandths; or `refused`
//	pairs        quantity, quantity    -1, 0 or 1; the sum; the difference
//	versions     version, constraint   true, false, or `refused`
//
// `fields` is another question: see fields.go.
//
// The tests build it where Go is installed. It makes its own records again, in tests/data:
//
//	cut -f1-2 versions.txt | go run ../oracle versions > new
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	answers := map[string]func([]string) string{"quantities": quantity, "pairs": pair, "versions": version}
	if os.Args[1] == "fields" {
		fields(os.Args[2:])
		return
	}
	answer := answers[os.Args[1]]
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		fmt.Fprintf(out, "%s\t%s\n", lines.Text(), answer(columns))
	}
}

func quantity(columns []string) string {
	quantity, err := resource.ParseQuantity(columns[0])
	if err != nil {
		return "refused"
	}
	return fmt.Sprintf("%s\t%s\t%s", canonical(quantity), scaled(quantity, 0), scaled(quantity, -3))
}

func pair(columns []string) string {
	a, b := resource.MustParse(columns[0]), resource.MustParse(columns[1])
	sum, difference := a.DeepCopy(), a.DeepCopy()
	sum.Add(b)
	difference.Sub(b)
	return fmt.Sprintf("%d\t%s\t%s", a.Cmp(b), canonical(sum), canonical(difference))
}

func version(columns []string) string {
	constraint, err := semver.NewConstraint(columns[1])
	if err != nil {
		return "refused"
	}
	version, err := semver.NewVersion(columns[0])
	if err != nil {
		return "refused"
	}
	return fmt.Sprint(constraint.Check(version))
}

// Not String(), which repeats some texts as they were read.
func canonical(quantity resource.Quantity) string {
	number, suffix := quantity.CanonicalizeBytes(nil)
	return string(number) + string(suffix)
}

// Rounded up; `?` where ScaledValue is wrong: it overflows in silence, and rounds some negative amounts to 1.
func scaled(quantity resource.Quantity, scale resource.Scale) string {
	limit := resource.NewScaledQuantity(9223372036854775807, scale)
	if quantity.Cmp(*limit) >= 0 || quantity.Sign() < 0 {
		return "?"
	}
	return fmt.Sprint(quantity.ScaledValue(scale))
}
