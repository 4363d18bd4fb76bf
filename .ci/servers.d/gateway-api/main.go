// Command gateway-api-cases prints what the Gateway API's conformance suite asks of an implementation, as JSON: for each
// of its tests the objects to apply, and the requests with what must come of them. It reads the suite's own source
// (module sigs.k8s.io/gateway-api/conformance, Apache-2.0), whose cases are literals; what is not one is left out.
//
//	gateway-api-cases [FOLDER-OF-THE-MODULE]
//
// Without a folder it is the program's own.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Test is one of the suite's tests.
type Test struct {
	Name      string   `json:"name"`
	Manifests []string `json:"manifests"`
	Features  []string `json:"features"`
	Cases     []*Case  `json:"cases"`
	// same is the variable of the test whose cases are this one's too.
	same string
}

// Case is a request and what must come of it, with the suite's names of fields.
type Case struct {
	Gateway   string         `json:"gateway"`
	Listeners []string       `json:"listeners,omitempty"`
	Expected  map[string]any `json:"expected"`
}

type place struct {
	gateway   string
	listeners []string
}

type reader struct {
	constants map[string]any
	variables map[string]ast.Expr
	places    map[string]place
	rows      map[string]map[string]any
	waiting   []*Case
	test      *Test
}

func main() {
	folder := home()
	constants := map[string]any{}
	for _, file := range parse(filepath.Join(folder, "utils", "suite")) {
		for _, declaration := range file.Decls {
			collect(constants, declaration)
		}
	}
	files := parse(filepath.Join(folder, "tests"))
	for _, file := range files {
		for _, declaration := range file.Decls {
			collect(constants, declaration)
		}
	}
	tests, known := []*Test{}, map[string]*Test{}
	for _, file := range files {
		for _, declaration := range file.Decls {
			variable, is := declaration.(*ast.GenDecl)
			if !is || variable.Tok != token.VAR {
				continue
			}
			for _, spec := range variable.Specs {
				spec := spec.(*ast.ValueSpec)
				for i, value := range spec.Values {
					if literal, is := value.(*ast.CompositeLit); is && typeName(literal.Type) == "ConformanceTest" {
						test := read(constants, literal)
						tests, known[spec.Names[i].Name] = append(tests, test), test
					}
				}
			}
		}
	}
	for _, test := range tests {
		if of, is := known[test.same]; is {
			test.Cases = of.Cases
		}
	}
	sort.Slice(tests, func(i, j int) bool { return tests[i].Name < tests[j].Name })
	suite := map[string]any{"base": text(filepath.Join(folder, "base", "manifests.yaml")), "tests": tests}
	for _, test := range tests {
		for i, manifest := range test.Manifests {
			test.Manifests[i] = text(filepath.Join(folder, manifest))
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(suite); err != nil {
		fail(err)
	}
}

func home() string {
	if len(os.Args) > 1 {
		return os.Args[1]
	}
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		fail(err)
	}
	return filepath.Dir(program)
}

func text(path string) string {
	bytes, err := os.ReadFile(path)
	if err != nil {
		fail(err)
	}
	return string(bytes)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "gateway-api-cases:", err)
	os.Exit(1)
}

func parse(folder string) []*ast.File {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(paths) == 0 {
		fail(fmt.Errorf("%s: no Go files there (%v)", folder, err))
	}
	files := []*ast.File{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			fail(err)
		}
		files = append(files, file)
	}
	return files
}

// collect keeps texts and numbers that have a name.
func collect(constants map[string]any, declaration ast.Decl) {
	general, is := declaration.(*ast.GenDecl)
	if !is {
		return
	}
	for _, spec := range general.Specs {
		values, is := spec.(*ast.ValueSpec)
		if !is {
			continue
		}
		for i, name := range values.Names {
			if i < len(values.Values) {
				if literal, is := values.Values[i].(*ast.BasicLit); is {
					constants[name.Name] = basic(literal)
				}
			}
		}
	}
}

func read(constants map[string]any, literal *ast.CompositeLit) *Test {
	test := &Test{Cases: []*Case{}}
	r := &reader{constants, map[string]ast.Expr{}, map[string]place{}, map[string]map[string]any{}, nil, test}
	for _, element := range literal.Elts {
		pair := element.(*ast.KeyValueExpr)
		switch pair.Key.(*ast.Ident).Name {
		case "ShortName":
			test.Name, _ = r.value(pair.Value).(string)
		case "Manifests":
			test.Manifests = texts(r.value(pair.Value))
		case "Features":
			for _, feature := range pair.Value.(*ast.CompositeLit).Elts {
				test.Features = append(test.Features, strings.TrimPrefix(lastName(feature), "Support"))
			}
		case "Test":
			if of, is := pair.Value.(*ast.SelectorExpr); is {
				test.same = lastName(of.X)
			}
			ast.Inspect(pair.Value, r.visit)
		}
	}
	return test
}

// visit goes through a test in the order of its text: variables, cases, and then the call that asks them of a gateway.
func (r *reader) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.ValueSpec:
		for i, name := range node.Names {
			if i < len(node.Values) {
				r.assign(name.Name, node.Values[i])
			}
		}
	case *ast.AssignStmt:
		for i, left := range node.Lhs {
			if name, is := left.(*ast.Ident); is && i < len(node.Rhs) {
				r.assign(name.Name, node.Rhs[i])
			}
		}
	case *ast.RangeStmt:
		return !r.unroll(node)
	case *ast.CompositeLit:
		if typeName(node.Type) == "ExpectedResponse" {
			if _, is := node.Type.(*ast.ArrayType); is {
				for _, element := range node.Elts {
					r.wait(element)
				}
			} else {
				r.wait(node)
			}
			return false
		}
	case *ast.CallExpr:
		if name := lastName(node.Fun); strings.HasPrefix(name, "Make") && strings.Contains(name, "Request") {
			for _, argument := range node.Args {
				ast.Inspect(argument, r.visit)
			}
			r.ask(node)
			return false
		}
	}
	return true
}

// unroll goes through a loop over a table of a test's own, row by row; false if it is another loop.
func (r *reader) unroll(loop *ast.RangeStmt) bool {
	name, is := loop.Value.(*ast.Ident)
	table, _ := r.value(loop.X).([]any)
	if !is || len(table) == 0 {
		return false
	}
	for _, element := range table {
		row, is := element.(map[string]any)
		if !is || row["Request"] != nil || row["EchoRequest"] != nil {
			return false
		}
		r.rows[name.Name] = row
		ast.Inspect(loop.Body, r.visit)
	}
	return true
}

func (r *reader) assign(name string, value ast.Expr) {
	r.variables[name] = value
	switch value := value.(type) {
	case *ast.Ident:
		if known, is := r.places[value.Name]; is {
			r.places[name] = known
		}
	case *ast.CallExpr:
		for _, argument := range value.Args {
			call, is := argument.(*ast.CallExpr)
			if is && lastName(call.Fun) == "NewGatewayRef" {
				at := place{gateway: r.named(call.Args[0])}
				for _, listener := range call.Args[1:] {
					if text, is := r.value(listener).(string); is {
						at.listeners = append(at.listeners, text)
					}
				}
				r.places[name] = at
			}
		}
	}
}

func (r *reader) wait(element ast.Expr) {
	if expected, is := r.value(element).(map[string]any); is && isKnown(expected) {
		r.waiting = append(r.waiting, &Case{Expected: expected})
	}
}

func (r *reader) ask(call *ast.CallExpr) {
	for _, argument := range call.Args {
		name, is := argument.(*ast.Ident)
		if !is {
			continue
		}
		if at, is := r.places[name.Name]; is {
			for _, asked := range r.waiting {
				asked.Gateway, asked.Listeners = at.gateway, at.listeners
				r.test.Cases = append(r.test.Cases, asked)
			}
			r.waiting = nil
			return
		}
	}
}

// named is the NAMESPACE/NAME that an expression stands for.
func (r *reader) named(expression ast.Expr) string {
	if fields, is := r.value(expression).(map[string]any); is {
		return fmt.Sprintf("%v/%v", fields["Namespace"], fields["Name"])
	}
	return ""
}

// value is what a literal stands for; nil for what is none.
func (r *reader) value(expression ast.Expr) any {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		return basic(expression)
	case *ast.Ident:
		switch expression.Name {
		case "true", "false":
			return expression.Name == "true"
		}
		if constant, is := r.constants[expression.Name]; is {
			return constant
		}
		if variable, is := r.variables[expression.Name]; is && variable != expression {
			delete(r.variables, expression.Name)
			defer func() { r.variables[expression.Name] = variable }()
			return r.value(variable)
		}
	case *ast.SelectorExpr:
		if of, is := expression.X.(*ast.Ident); is {
			if of.Name == "codes" {
				return expression.Sel.Name
			}
			if row, is := r.rows[of.Name]; is {
				return row[expression.Sel.Name]
			}
		}
		return r.constants[expression.Sel.Name]
	case *ast.UnaryExpr:
		return r.value(expression.X)
	case *ast.CallExpr:
		// Conversions, and pointers to a value.
		if len(expression.Args) == 1 {
			return r.value(expression.Args[0])
		}
	case *ast.CompositeLit:
		return r.composite(expression)
	}
	return nil
}

func (r *reader) composite(literal *ast.CompositeLit) any {
	switch literal.Type.(type) {
	case *ast.ArrayType:
		list := []any{}
		for _, element := range literal.Elts {
			list = append(list, r.value(element))
		}
		return list
	case *ast.MapType:
		fields := map[string]any{}
		for _, element := range literal.Elts {
			pair := element.(*ast.KeyValueExpr)
			if key, is := r.value(pair.Key).(string); is {
				fields[key] = r.value(pair.Value)
			}
		}
		return fields
	}
	fields := map[string]any{}
	for _, element := range literal.Elts {
		pair, is := element.(*ast.KeyValueExpr)
		if !is {
			return nil
		}
		name := lastName(pair.Key)
		value := r.value(pair.Value)
		// An embedded struct's fields are the struct's.
		if inner, is := value.(map[string]any); is && (name == "BackendRef" || name == "Request" && typeName(literal.Type) == "ExpectedRequest") {
			for key, value := range inner {
				fields[key] = value
			}
			continue
		}
		fields[name] = value
	}
	return fields
}

// isKnown says whether nothing is missing from a value.
func isKnown(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case map[string]any:
		for _, field := range value {
			if !isKnown(field) {
				return false
			}
		}
	case []any:
		for _, element := range value {
			if !isKnown(element) {
				return false
			}
		}
	}
	return true
}

func basic(literal *ast.BasicLit) any {
	switch literal.Kind {
	case token.STRING:
		if text, err := strconv.Unquote(literal.Value); err == nil {
			return text
		}
	case token.INT:
		if number, err := strconv.ParseInt(literal.Value, 0, 64); err == nil {
			return number
		}
	}
	return nil
}

// lastName is the last part of a qualified name.
func lastName(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.Ident:
		return expression.Name
	case *ast.SelectorExpr:
		return expression.Sel.Name
	}
	return ""
}

// typeName is the name of a literal's type, or of its elements'.
func typeName(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.ArrayType:
		return typeName(expression.Elt)
	case *ast.StarExpr:
		return typeName(expression.X)
	}
	return lastName(expression)
}

func texts(value any) []string {
	list, _ := value.([]any)
	all := []string{}
	for _, element := range list {
		if text, is := element.(string); is {
			all = append(all, text)
		}
	}
	return all
}
