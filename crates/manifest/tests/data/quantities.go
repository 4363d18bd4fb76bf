// Makes quantities.txt: what Kubernetes reads in each text, as `text, canonical form, whole, thousandths`.
//
//	go mod init quantities && go get k8s.io/apimachinery/pkg/api/resource@v0.36.3 && go run quantities.go > quantities.txt
package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	numbers := []string{"0", "1", "7", "10", "100", "512", "1000", "1023", "1024", "1025", "1536", "2048", "1000000",
		"1048576", "123456789", "999999999999", "9223372036854775807", "9223372036854775808", "-1", "-0", "+5", "007", "1.5", "0.5",
		".5", "5.", "0.001", "1.0001", "0.1", "-1.5", "-0.3", "1.000", "3.14159265358979", "0.0000000001", "1.0000000000000001"}
	suffixes := []string{"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e0", "e3", "E6",
		"e-3", "e+2", "e-12", "e1"}
	others := []string{"", " ", "m", "abc", "1 ", " 1", "1K", "1ki", "1kB", "512MB", "1Gb", "1MiB", "1.2.3", "1e", "1E+", "1e1.5",
		"--1", "+-1", "1_000", "1,5", "0x10", "½", "1e99999999999999999999", "1mi", "1ei", "1e5i", "NaN", "Inf", "1 Gi"}
	texts := []string{}
	for _, number := range numbers {
		for _, suffix := range suffixes {
			texts = append(texts, number+suffix)
		}
	}
	for _, text := range append(texts, others...) {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			fmt.Printf("%s\trefused\n", text)
			continue
		}
		// Not String(), which repeats some texts as they were read.
		number, suffix := quantity.CanonicalizeBytes(nil)
		fmt.Printf("%s\t%s%s\t%s\t%s\n", text, number, suffix, whole(quantity, 0), whole(quantity, -3))
	}
}

// Rounded up; `?` where ScaledValue is wrong: it overflows in silence, and rounds some negative amounts to 1.
func whole(quantity resource.Quantity, scale resource.Scale) string {
	limit := resource.NewScaledQuantity(9223372036854775807, scale)
	if quantity.Cmp(*limit) >= 0 || quantity.Sign() < 0 {
		return "?"
	}
	return fmt.Sprint(quantity.ScaledValue(scale))
}
